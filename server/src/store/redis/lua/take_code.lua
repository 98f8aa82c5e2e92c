-- Gives a user code to a login, if nobody has it, or a login that is over.
-- KEYS: the code. ARGV: the login, how long to keep it, and a login that is over, if any.
-- Answers who has it.
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[3] then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return ARGV[1]
end
return holder
