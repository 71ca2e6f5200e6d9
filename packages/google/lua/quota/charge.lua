-- Charges units for calls that are about to be made, or says how long to wait.
--   KEYS 4-9  user log, user state, project log, project state, day, the user's calls in flight
--   ARGV 6    units of one call
--   ARGV 7    how many calls
--   ARGV 8    the user's limit, in units a minute
--   ARGV 9    the project's limit, in units a minute
--   ARGV 10   the lane: 1 live, 2 onboarding, 3 bulk
--   ARGV 11   what the day may have seen for this lane to go on, in units; 0: no bound
--   ARGV 12   a name for this call
--   ARGV 13   0, or how several accounts are this user: 1 of an API with batches, which may be
--             under way unnoted; 2 of another
-- Reply: granted calls, epoch, wait in ms, scope ('user', 'closed' when the user's window is closed
-- and not full, 'project', 'day'), slot of the charge, now, 1 when the call is noted as in flight.

-- One account's run has one batch in flight, which keeps it under Google's cap of calls in flight
-- (some 25). Of several accounts that are one user, each call is noted until it has landed.
-- Together they stay under the cap, which the customer's other apps share: in one request, and
-- while calls that were sent before the first was noted may be under way. A call that never lands
-- is forgotten when no answer can come any more.
local SHARED_CAP, SHARED_PARTS = 20, 6
local UNNOTED_FOR, UNNOTED_ALLOWANCE = 3000, 4
local FLIGHT_TTL, FLIGHT_WAIT = 60000, 200

-- While live work is under way, the lanes below it use the project's window evenly: so many ms see
-- no more than their share of a minute and a surplus, a larger one for accounts that have just
-- connected. A minute's units spent in its first ten seconds take machine and database from calls
-- that wait for a change (their p99 was ten times the idle one), and finish nothing earlier. Of a
-- small limit a second's share is too few calls to be cut evenly.
local EVEN_SMALL, EVEN_LARGE, EVEN_LARGE_FROM = 5000, 1000, 120000
local SURPLUS_ONBOARDING, SURPLUS_BULK = 1.25, 1.1
-- Where the line of the bulk calls that were refused for evenness ends at the latest: some of them
-- may not come back. Onboarding stands in no line: behind two hundred others a first sync took half
-- as long again, and without one it takes its chance among them.
local EVEN_LINE = 20000

local cost, items = tonumber(ARGV[6]), tonumber(ARGV[7])
local user_limit, project_limit = tonumber(ARGV[8]), tonumber(ARGV[9])
local lane, day_limit = tonumber(ARGV[10]), tonumber(ARGV[11])
local epoch, held = birth()
local function deny(wait, scope) return { 0, epoch, wait, scope, slot, now } end
if known ~= '' and known ~= epoch then return { -1, epoch } end
if held > now then return deny(held - now, 'project') end
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - KEEP)
  local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
  if last[2] then return deny(last[2] + KEEP - now, 'project') end
end

local user, project = open(KEYS[4], KEYS[5]), open(KEYS[6], KEYS[7])
user_limit, project_limit = paced(user, user_limit, cost), paced(project, project_limit, cost)
if lane == 1 then redis.call('HSET', project.state, 'live_at', num(now)) end
if lane == 2 then redis.call('HSET', project.state, 'onboarding_at', num(now)) end
-- Lower lanes leave the top of the project's window free, but only while higher ones are at work.
local lane_limit = project_limit
if lane > 1 and project.live_at + KEEP > now then lane_limit = math.floor(project_limit * 0.95) end
if lane > 2 and math.max(project.live_at, project.onboarding_at) + KEEP > now then
  lane_limit = math.floor(project_limit * 0.9)
end

local function refuse(wait, scope)
  save(user)
  save(project)
  return deny(wait, scope)
end
if user.closed > now or project.closed > now then
  return refuse(math.max(user.closed, project.closed) - now, user.closed > project.closed and 'closed' or 'project')
end
local day_left = items
if day_limit > 0 then day_left = math.floor((day_limit - day_used(KEYS[8])) / cost) end
if day_left < 1 then return refuse(-1, 'day') end

if ARGV[13] ~= '0' and ARGV[13] and not user.shared_at then
  user.shared_at = ARGV[13] == '1' and now or 0
  redis.call('HSET', user.state, 'shared_at', num(user.shared_at))
end
local shared, in_flight_left = user.shared_at, items
if shared then
  local in_flight, flights = 0, redis.call('HGETALL', KEYS[9])
  for i = 1, #flights, 2 do
    local at, parts = parse(flights[i + 1])
    if at + FLIGHT_TTL > now then in_flight = in_flight + parts else redis.call('HDEL', KEYS[9], flights[i]) end
  end
  -- What was sent before anybody knew of the other accounts is not noted.
  if now < user.shared_at + UNNOTED_FOR then in_flight = in_flight + SHARED_CAP - UNNOTED_ALLOWANCE end
  in_flight_left = math.min(SHARED_PARTS, SHARED_CAP - in_flight)
  if in_flight_left < 1 then return refuse(FLIGHT_WAIT, 'user') end
end
local function free(b, limit) return math.floor((limit - b.sum) / cost) end
local even, EVEN = nil, project_limit >= EVEN_LARGE_FROM and EVEN_LARGE or EVEN_SMALL
if lane > 1 and project.live_at + KEEP > now then
  local surplus = lane == 3 and SURPLUS_BULK or SURPLUS_ONBOARDING
  even = { limit = math.max(cost, math.floor(project_limit * EVEN / 60000 * surplus)), sum = 0, recent = {} }
  for _, entry in ipairs(redis.call('LRANGE', project.log, -2 * EVEN / SLOT, -1)) do
    local at, units = parse(entry)
    if at + EVEN > now then
      even.sum = even.sum + units
      table.insert(even.recent, { at, units })
    end
  end
end
local granted = math.min(
  items,
  day_left,
  in_flight_left,
  free(user, user_limit),
  free(project, lane_limit),
  even and free(even, even.limit) or items
)
if granted < 1 then
  -- Until the whole request fits: coming back for the first crumb would cut every later batch into
  -- crumbs too.
  local function wait_for(b, limit)
    local excess = b.sum + math.min(items, math.max(1, math.floor(limit / cost))) * cost - limit
    if excess <= 0 then return 0 end
    for _, entry in ipairs(redis.call('LRANGE', b.log, 0, -1)) do
      local at, units = parse(entry)
      excess = excess - units
      if excess <= 0 then return at + KEEP - now end
    end
    return KEEP
  end
  local by_user, by_project = wait_for(user, user_limit), wait_for(project, lane_limit)
  -- Each call of bulk work that is refused for evenness gets a time of its own, as far behind the
  -- one before as that one's request takes: with the same time two hundred mailboxes would come
  -- back together, and all but a few in vain.
  local function wait_for_even()
    local asked = math.min(items, math.max(1, math.floor(even.limit / cost))) * cost
    local excess, first = even.sum + asked - even.limit, 0
    for _, entry in ipairs(even.recent) do
      if excess <= 0 then break end
      excess = excess - entry[2]
      first = entry[1] + EVEN - now
    end
    if lane == 2 then return first end
    local back_at = math.max(now + first, tonumber(redis.call('HGET', project.state, 'in_line_until') or 0))
    local line_end = math.min(back_at + asked * EVEN / even.limit, now + EVEN_LINE)
    redis.call('HSET', project.state, 'in_line_until', num(line_end))
    return back_at - now
  end
  if even and by_user <= by_project and free(even, even.limit) < 1 then
    by_project = math.max(by_project, wait_for_even())
  end
  -- Whoever was lost may be back with its next beat.
  if project.reserved > 0 then by_project = math.min(by_project, 2000) end
  return refuse(math.max(by_user, by_project), by_user >= by_project and 'user' or 'project')
end
local units = granted * cost
local used = add(user, units)
used = math.max(used, add(project, units))
save(user)
save(project)
redis.call('HINCRBY', KEYS[8], 'total', units)
redis.call('HINCRBY', KEYS[8], reporter, units)
redis.call('EXPIRE', KEYS[8], 172800)
witness()
if shared then
  redis.call('HSET', KEYS[9], ARGV[12], num(now) .. ':' .. num(granted))
  redis.call('PEXPIRE', KEYS[9], FLIGHT_TTL)
end
return { granted, epoch, 0, '', used, now, shared and 1 or 0 }
