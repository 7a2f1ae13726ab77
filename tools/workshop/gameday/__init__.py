"""The game day: the running workshop is broken in secret, and somebody has to find out where and how.

    faults.py    what can break: component and cause, the queries that show it; the choice by seed, the verdict. No effects.
    injecting.py each fault for real, and what undoes it
    libpq.py  amqp.py  guests.py    what three of them need: PostgreSQL and RabbitMQ spoken to, a program with too many labels
    record.py    what was broken, on disk, so that whoever comes next can undo it; the inbox for answers
    playing.py   one round, from the beginning to the debrief
    debrief.py   what Prometheus remembers of it
    words.py     the words of the command line

Whatever breaks something writes down first what it will break (record.py). A round that ends, however it does, undoes
it; where the process was killed, the next `gameday`, `up`, `down` or `reset` does.
"""
