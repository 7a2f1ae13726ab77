/* The tables that the programs share, made and mended by one text of SQL. */
#ifndef CONTRACT_SCHEMA_H
#define CONTRACT_SCHEMA_H

/* schema.sql, whole and terminated; static. Run it as one simple query: so it is one transaction.
 * It may run at every connect and from several places at once: where all is in place already it
 * changes nothing and waits for no reader or writer. On a large table of someone else's it may take
 * a while, once, so no short deadline should cut it off. */
const char *schema_sql(void);

#endif
