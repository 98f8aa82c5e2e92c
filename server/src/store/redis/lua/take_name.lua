-- Gives a name to an account, if nobody has it, or somebody who is not there any more.
-- KEYS: the names. ARGV: the name, the account, and perhaps an account that is gone.
-- Answers who has it.
local holder = redis.call('HGET', KEYS[1], ARGV[1])
if not holder or holder == ARGV[3] then
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
    return ARGV[2]
end
return holder
