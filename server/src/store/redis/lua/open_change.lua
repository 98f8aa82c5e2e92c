-- Notes what became of an open login.
-- KEYS: where the open ones are. ARGV: the login, its address, when it runs out (nothing if it has ended), when it was
--       issued (nothing if it was scanned), when its running out must be written down (nothing if that is not known),
--       and until when what is noted of that is wrong (nothing if that is not known).
-- What was read of a login may be old by now, and somebody else may have confirmed it meanwhile. So that its running
-- out must be written down is taken back only by who knows that it never will, or for a time that is over.
remove(ARGV[1])
if ARGV[3] ~= '' then
    add(ARGV[1], ARGV[2], ARGV[3], ARGV[4] ~= '' and ARGV[4])
end
if ARGV[5] ~= '' then
    redis.call('ZADD', due, ARGV[5], ARGV[1])
elseif ARGV[6] ~= '' then
    local noted = redis.call('ZSCORE', due, ARGV[1])
    if noted and tonumber(noted) <= tonumber(ARGV[6]) then
        redis.call('ZREM', due, ARGV[1])
    end
end
return 1
