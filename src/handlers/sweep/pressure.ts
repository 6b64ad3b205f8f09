/** The owner of a shard is short of memory, or no longer: what that means is said in `quotas/memory.ts`. */
import type { Pressure } from '../../protocol/decisions/index.ts';
import type { Json } from '../../protocol/json.ts';
import type { World } from '../world/world.ts';

export function applyPressure(world: World, { on }: Pressure): { readonly data: Json } {
  const { pressure: _before, ...settings } = world.settings;
  world.changeSettings(on ? { ...settings, pressure: true } : settings);
  return { data: { on, bytes: world.bytes } };
}
