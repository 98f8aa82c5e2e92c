-- Does to an account what a change elsewhere has brought with it, and wakes who watches the account.
-- KEYS: the channel. ARGV: the partition, the account, what was brought, as JSON.
local brought = cjson.decode(ARGV[3])
if brought.notice then
    tell(ARGV[1], brought.notice)
end
if brought.met then
    meet(ARGV[1], ARGV[2], brought.met)
end
if brought.ended then
    redis.call('ZREM', ARGV[1] .. 'pcs:' .. ARGV[2], brought.ended)
end
redis.call('SPUBLISH', KEYS[1], 'A' .. ARGV[2])
return 1
