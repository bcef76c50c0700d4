-- What wrk sends, and its figures as one line of JSON. The token comes from the environment: a command line is everybody's.
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
if os.getenv("REQUEST") == "connect" then
    wrk.headers["Connection"] = "close"
end

function done(summary, latency)
    local stat = io.open("/proc/self/stat"):read("*a"):match("%) (.*)")
    local ticks, field = 0, 0
    for word in stat:gmatch("%S+") do
        field = field + 1
        -- utime and stime
        if field == 12 or field == 13 then
            ticks = ticks + tonumber(word)
        end
    end
    local errors = summary.errors
    io.write(
        string.format(
            '\nJSON {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failed":%d,"ticks":%d}\n',
            summary.requests,
            summary.duration,
            latency:percentile(50),
            latency:percentile(99),
            errors.connect + errors.read + errors.write + errors.status + errors.timeout,
            ticks
        )
    )
end
