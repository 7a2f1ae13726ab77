/*
 * floor_insert URL ROWS BATCH: inserts ROWS rows into `fruits`, BATCH of them a statement and a
 * commit, one after the other on one connection, with the statement that the backend uses. Prints
 * `insert RATE rows/s`. Encoding the arrays is in the time: somebody has to do it.
 */
#include "floor.h"

#include <libpq-fe.h>

enum { BATCH_MAX = 10000, ROW_MAX = 48 };

static const char sql[] = "insert into fruits (message_id, name, quantity)"
                          " select * from unnest($1::uuid[], $2::text[], $3::integer[])"
                          " on conflict (message_id) do nothing";

static char ids[BATCH_MAX * ROW_MAX], names[BATCH_MAX * ROW_MAX], quantities[BATCH_MAX * ROW_MAX];

static void encode(uint64_t first, unsigned batch)
{
    static const char *const fruits[] = {"apples", "oranges", "bananas", "grapes", "pears"};
    char id[37], *i = ids, *n = names, *q = quantities;
    for (unsigned row = 0; row < batch; row++) {
        char before = row ? ',' : '{';
        floor_uuid(id, first + row);
        i += sprintf(i, "%c%s", before, id);
        n += sprintf(n, "%c%s", before, fruits[row % 5]);
        q += sprintf(q, "%c%u", before, row % 10 + 1);
    }
    *i++ = *n++ = *q++ = '}';
    *i = *n = *q = '\0';
}

static void insert(PGconn *db)
{
    const char *const values[] = {ids, names, quantities};
    PGresult *result = PQexecPrepared(db, "insert", 3, values, NULL, NULL, 0);
    floor_must(PQresultStatus(result) == PGRES_COMMAND_OK, PQerrorMessage(db));
    PQclear(result);
}

int main(int argc, char **argv)
{
    floor_must(argc == 4, "floor_insert URL ROWS BATCH");
    uint64_t rows = strtoull(argv[2], NULL, 10);
    unsigned batch = (unsigned)atoi(argv[3]);
    floor_must(batch > 0 && batch <= BATCH_MAX, "a batch of 1 to 10000");
    PGconn *db = PQconnectdb(argv[1]);
    floor_must(PQstatus(db) == CONNECTION_OK, PQerrorMessage(db));
    PQclear(PQprepare(db, "insert", sql, 3, NULL));
    double start = floor_now();
    uint64_t done = 0;
    for (; done < rows; done += batch) {
        encode(done, batch);
        insert(db);
    }
    printf("insert %.0f rows/s\n", (double)done / (floor_now() - start));
    PQfinish(db);
    return 0;
}
