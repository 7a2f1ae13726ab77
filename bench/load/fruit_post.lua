-- POST /fruit with a small order; with a number behind `--`, padded to a body of so many bytes.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

init = function(words)
    local order, pad = '{"fruit":"Pears","quantity":3}', ',"pad":"'
    local missing = (tonumber(words[1]) or 0) - #order - #pad - 1
    if missing >= 0 then
        order = order:sub(1, -2) .. pad .. ("x"):rep(missing) .. '"}'
    end
    wrk.body = order
    request = function() return post end
    post = wrk.format()
end
