-- One batch of decisions, all or nothing: writes only when the shard stands exactly where the writer believes.
--
-- KEYS  1 meta, 2 commit id, 3 receipt counts, 4.. the keys of the operations
-- ARGV  1 expected seq ('0' before the first), 2 expected hash, 3 identity of the log, 4 id of this commit,
--       5 seq after it, then the operations: command, index of its key, number of arguments, arguments
--
-- Answers 'committed', or 'repeated' when this very commit was applied before and only its answer was lost,
-- or 'moved' when somebody else wrote, or the store went back.
local held = redis.call('HMGET', KEYS[1], 'seq', 'hash', 'log')
local seq = held[1] or '0'
if seq == ARGV[5] and redis.call('GET', KEYS[2]) == ARGV[4] then
  return 'repeated'
end
if seq ~= ARGV[1] or (held[2] or '') ~= ARGV[2] or (held[3] or ARGV[3]) ~= ARGV[3] then
  return 'moved'
end

-- Lua does not roll back, so nothing below may fail for what the arguments say: the writer builds every operation
-- with the type that its key has.
local at = 6
local last = #ARGV
while at <= last do
  local command, key, count = ARGV[at], KEYS[tonumber(ARGV[at + 1])], tonumber(ARGV[at + 2])
  at = at + 3
  if command == 'UNREF' then
    -- A thing that the decisions named here created is gone; with the last of them goes the receipt.
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
return 'committed'
