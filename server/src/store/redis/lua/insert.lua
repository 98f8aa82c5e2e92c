-- Keeps a new login, unless one of its codes is another's.
-- KEYS: the login, the index of its scan code, that of its device code.
-- ARGV: its id, the write's own id, its record, how many milliseconds to keep it, and the ids of logins that are
--       over and whose codes it may have.
-- Answers the id of a login that has one of the codes, or nothing.
for index = 2, 3 do
    local holder = redis.call('GET', KEYS[index])
    if holder and holder ~= ARGV[1] then
        local is_over = false
        for over = 5, #ARGV do
            is_over = is_over or ARGV[over] == holder
        end
        if not is_over then
            return holder
        end
    end
end
-- Once it is there, this is the same call again, whose answer was lost; it may have changed since.
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'revision', '1', 'write', ARGV[2], 'record', ARGV[3])
    redis.call('PEXPIRE', KEYS[1], ARGV[4])
    redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[4])
    redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[4])
end
return false
