-- Replaces a PC session's tokens, if the spent one still is its refresh token.
-- KEYS: the session; and where the tokens are put, so that this is not begun, and half done, while their slot is moving
--       to another node. ARGV: the new tokens, as JSON.
-- Answers 1 if they are the session's now.
local new = cjson.decode(ARGV[1])
local now = redis.call('HMGET', KEYS[1], 'access', 'refresh')
if now[2] == new.refresh then
    return 1 -- The same call again, whose answer was lost.
end
if now[2] ~= new.spent then
    return 0
end
redis.call('DEL', new.at .. 'access:' .. now[1], new.at .. 'refresh:' .. now[2])
redis.call('SET', KEYS[2], new.id .. ':' .. new.spent_until, 'PX', new.spent_kept)
redis.call('HSET', KEYS[1], 'used', '1', 'access', new.access, 'access_until', new.access_until,
    'refresh', new.refresh, 'refresh_until', new.refresh_until)
redis.call('PEXPIRE', KEYS[1], new.kept)
redis.call('SET', KEYS[3], new.id, 'PX', new.access_kept)
redis.call('SET', KEYS[4], new.id, 'PX', new.kept)
return 1
