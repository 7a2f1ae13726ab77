/* `./workshop bench metrics` runs this program beside its peers: `NAME VALUE UNIT` lines. */
#include "measure.h"

int main(void)
{
    measure_updates();
    measure_exposition();
    return 0;
}
