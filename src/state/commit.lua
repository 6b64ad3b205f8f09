-- One batch of decisions, all or nothing: writes only when the shard stands exactly where the writer believes.
--
-- KEYS  1 meta, 2 commit id, 3 receipt counts, 4.. the keys of the operations
-- ARGV  1 expected seq ('0' before the first), 2 expected hash, 3 identity of the log, 4 id of this commit,
--       5 seq after it, 6 hash after it, then the operations: command, index of its key, number of arguments, arguments
--
-- Returns 'committed', or 'repeated' when this very commit was applied before and only its reply was lost,
-- or 'moved' when another worker wrote, or the store went back.
local held = redis.call('HMGET', KEYS[1], 'seq', 'hash', 'log')
local seq = held[1] or '0'
if seq == ARGV[5] and redis.call('GET', KEYS[2]) == ARGV[4] then
  return 'repeated'
end
if seq ~= ARGV[1] or (held[2] or '') ~= ARGV[2] or (held[3] or ARGV[3]) ~= ARGV[3] then
  return 'moved'
end

-- Lua does not roll back. From here to the end the shard counts as lost, so that a commit that breaks off in between
-- leads to a restore and is never mistaken for a state. This write comes first because Redis refuses it when it is out
-- of memory: after a first write it would let the rest pass.
redis.call('HSET', KEYS[1], 'seq', '-1', 'hash', ARGV[4])
local at = 7
local last = #ARGV
while at <= last do
  local command, key, count = ARGV[at], KEYS[tonumber(ARGV[at + 1])], tonumber(ARGV[at + 2])
  at = at + 3
  if command == 'UNREF' then
    -- An entity that the decisions named here created is removed; with the last one the receipt is removed, too.
    for i = at, at + count - 1 do
      if redis.call('HINCRBY', KEYS[3], ARGV[i], -1) <= 0 then
        redis.call('HDEL', KEYS[3], ARGV[i])
        redis.call('HDEL', key, ARGV[i])
      end
    end
  else
    redis.call(command, key, unpack(ARGV, at, at + count - 1))
  end
  at = at + count
end
redis.call('SET', KEYS[2], ARGV[4])
redis.call('HSET', KEYS[1], 'seq', ARGV[5], 'hash', ARGV[6], 'log', ARGV[3])
return 'committed'
