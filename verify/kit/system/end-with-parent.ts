/** Loaded into a process before anything of its own (`node --import`): it does not outlive the one that started it. */
const ORPHANED = 1;

process.on('disconnect', () => process.exit(ORPHANED));
// The parent may have gone while this was being loaded.
if (process.send !== undefined && !process.connected) process.exit(ORPHANED);
// The channel alone would keep a process that was told to stop alive.
process.channel?.unref();
