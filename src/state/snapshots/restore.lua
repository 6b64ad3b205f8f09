-- Part of a restoration: writes only while the shard is still being restored by this very worker.
--
-- KEYS  1 meta, 2.. the keys of the operations
-- ARGV  1 token of the restoration, then the operations as in commit.lua
local held = redis.call('HMGET', KEYS[1], 'seq', 'hash')
if held[1] ~= '-1' or held[2] ~= ARGV[1] then
  return 'moved'
end
local at = 2
local last = #ARGV
while at <= last do
  local command, key, count = ARGV[at], KEYS[tonumber(ARGV[at + 1])], tonumber(ARGV[at + 2])
  at = at + 3
  if count == 0 then
    redis.call(command, key)
  else
    redis.call(command, key, unpack(ARGV, at, at + count - 1))
  end
  at = at + count
end
return 'written'
