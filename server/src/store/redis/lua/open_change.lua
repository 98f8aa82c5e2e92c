-- Notes what became of an open login.
-- KEYS: where the open ones are. ARGV: the login, its address, when it runs out (nothing if it has ended), when it was
--       issued (nothing if it was scanned), when its running out must be written down (nothing if never).
remove(ARGV[1])
if ARGV[3] ~= '' then
    add(ARGV[1], ARGV[2], ARGV[3], ARGV[4] ~= '' and ARGV[4])
end
if ARGV[5] ~= '' then
    redis.call('ZADD', due, ARGV[5], ARGV[1])
else
    redis.call('ZREM', due, ARGV[1])
end
return 1
