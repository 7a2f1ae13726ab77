-- POST /fruit with a small order.
wrk.method = "POST"
wrk.body = '{"fruit":"Pears","quantity":3}'
wrk.headers["Content-Type"] = "application/json"
