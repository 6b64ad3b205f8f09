/** A worker in a process of its own, configured by the environment; says where it is when it is ready. */
import { pino } from 'pino';
import { configFromEnv } from '../src/config.ts';
import { startWorker } from '../src/workers/worker.ts';

const config = configFromEnv(process.env);
const worker = await startWorker(config, { logger: pino({ level: config.logLevel }, pino.destination(2)) });
process.stdout.write(`${JSON.stringify({ id: worker.id, health: worker.healthUrl })}\n`);
process.once('SIGTERM', () => void worker.stop());
