-- What the syncs of one tenant have in common of Navan's limit, and how they share it (GCRA): time is cut into slots of 1 / rate, and
-- each request is given one, in the order in which they ask. All times are microseconds of this server's clock.
--
-- KEYS: the state, the channel on which pauses are told.
-- ARGV: slots wanted, slots given back; requests answered and refused (429) since the last call, and all of both that were known
-- before; the version known of the estimate, the number known of the last pause; the rate and the estimate that are to stand in place
-- of that version ('' if none); the pause to begin ('' if none), and how much before its end slots begin.
local SAVED = 1000000 -- unused slots of so long may still be given out
local IDLE = 10000000 -- nobody asked for so long: what was counted before says nothing of the limit
local BACK = 1000000 -- the clock was set back, if it is so much earlier than it was
local LONGEST = 86400000000 -- nobody waits so long
local AHEAD = 500000 -- what was given out so far ahead is given out anew
local FASTER = 1.5 -- if the rate becomes so much faster
local LIFE = 86400000 -- for how many milliseconds it is remembered

local fields = {'rate', 'estimate', 'version', 'pause', 'until', 'free', 'answered', 'refused', 'known_answered', 'known_refused', 'busy',
    'busy_answered', 'last'}
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end -- somebody else's
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
local function number(field)
    local value = tonumber(stored[field])
    return value and value >= 0 and value < 9007199254740992 and value or 0
end
local rate, estimate, rate_text = tonumber(stored[1]), stored[2], stored[1]
if not (rate and estimate and rate >= 0.00001 and rate <= 100000) then rate, estimate, rate_text = nil, false, false end
local version, pause, till, free, answered, refused = number(3), number(4), number(5), number(6), number(7), number(8)
local known_answered, known_refused, busy, busy_answered = number(9), number(10), number(11), number(12)
local count, given_back, new_rate, wait = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[9]), tonumber(ARGV[11])
local known_version, known_pause = tonumber(ARGV[7]), tonumber(ARGV[8])

if now < number(13) - BACK or free > now + LONGEST then free = math.min(free, now) end
if now < number(13) - BACK or till > now + LONGEST then till = math.min(till, now) end
if not rate then version, pause, till, free = 0, 0, 0, 0 end
answered = answered + tonumber(ARGV[3])
refused = refused + tonumber(ARGV[4])

-- What was given out from then on is given out anew, after a pause.
local is_told = false
local function begin_pause(from)
    pause = math.max(pause + 1, now)
    free = from
    is_told = true
end

local is_taken = false
if wait and known_pause == pause then
    till = math.max(till, now + wait)
    begin_pause(till - tonumber(ARGV[12]))
    is_taken = true
elseif not wait and new_rate and known_version == version then
    if not rate then
        free = now
    elseif new_rate > FASTER * rate and free > now + AHEAD and till <= now then
        begin_pause(now)
    end
    is_taken = true
end
if is_taken and new_rate then
    rate, rate_text, estimate, version = new_rate, ARGV[9], ARGV[10], math.max(version + 1, now)
    known_answered = tonumber(ARGV[5]) + tonumber(ARGV[3])
    known_refused = tonumber(ARGV[6]) + tonumber(ARGV[4])
end

local start = free
if rate and count > 0 then
    local slot = 1000000 / rate
    if now - free > IDLE then busy, busy_answered = now, answered end
    start = math.floor(math.max(free - given_back * slot, now - math.max(0, SAVED - slot)) + 0.5)
    free = math.floor(start + count * slot + 0.5)
end

local function text(value) return string.format('%.0f', value) end
if rate then
    redis.call('HSET', KEYS[1], 'rate', rate_text, 'estimate', estimate, 'version', text(version), 'pause', text(pause), 'until', text(till),
        'free', text(free), 'answered', text(answered), 'refused', text(refused), 'known_answered', text(known_answered),
        'known_refused', text(known_refused), 'busy', text(busy), 'busy_answered', text(busy_answered), 'last', text(now))
    redis.call('PEXPIRE', KEYS[1], LIFE)
    if is_told then redis.call('PUBLISH', KEYS[2], text(pause) .. ' ' .. text(math.max(0, till - now))) end
end
return {rate and rate_text or false, not is_taken and known_version ~= version and estimate or false, text(version), text(pause), text(till),
    text(start), text(answered), text(refused), text(known_answered), text(known_refused), text(busy), text(busy_answered), text(now)}
