/* Slabs, and who has which; see cells.h. */
#include "metrics/cells.h"

#include <stdlib.h>
#include <sys/mman.h>

_Thread_local union metric_cell *metric_own_cells;
static _Thread_local bool has_to_share; /* it asked for a slab once, in vain, or is ending */

struct slab {
    union metric_cell *cells;
    bool taken;
};

/* Cells that were given back. */
struct run {
    struct run *next;
    uint32_t first, n;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over all below */
static struct slab slabs[METRIC_MAX_SLABS];              /* readers need no lock up to n_slabs */
static _Atomic unsigned n_slabs;
static uint32_t next_cell = 1; /* number 0 means none */
static struct run *free_runs;

/* ---- Slabs ---------------------------------------------------------------------------------- */

unsigned metric_slabs(void)
{
    return atomic_load_explicit(&n_slabs, memory_order_acquire);
}

union metric_cell *metric_slab(unsigned i)
{
    return slabs[i].cells;
}

/* Of the leak sanitizer, where there is one: cells point to memory too. */
void __lsan_register_root_region(const void *start, size_t size) __attribute__((weak));

/* Slabs begin at different places of a page, and their pages at different ones of a cache, or the
 * same cell of all of them would want the same few lines: a reader goes through them side by side.
 * Without huge pages: of those, the first update of a thread would take 2 MiB. */
static union metric_cell *map(unsigned number)
{
    const size_t skew = number * (size_t)(4096 + 64);
    const size_t size = skew + METRIC_SLAB_CELLS * sizeof(union metric_cell);
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    (void)madvise(at, size, MADV_NOHUGEPAGE); /* an older kernel has none to switch off */
    return (union metric_cell *)(at + skew);
}

static struct slab *add_slab(void)
{
    unsigned n = metric_slabs();
    if (n == METRIC_MAX_SLABS)
        return NULL;
    slabs[n].cells = map(n);
    if (!slabs[n].cells)
        return NULL;
    atomic_store_explicit(&n_slabs, n + 1, memory_order_release);
    return &slabs[n];
}

static bool have_common(void)
{
    return metric_slabs() || add_slab();
}

/* ---- Threads -------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ending; /* calls give_back when a thread ends */
static bool can_end;

static struct slab *take(void)
{
    struct slab *slab = NULL;
    pthread_mutex_lock(&lock);
    for (unsigned i = 1; i < metric_slabs() && !slab; i++)
        slab = slabs[i].taken ? NULL : &slabs[i];
    if (!slab && have_common())
        slab = add_slab();
    if (slab)
        slab->taken = true;
    pthread_mutex_unlock(&lock);
    return slab;
}

/* What other destructors of the ending thread still update goes to the common slab. */
static void give_back(void *slab)
{
    metric_own_cells = NULL;
    has_to_share = true;
    pthread_mutex_lock(&lock);
    ((struct slab *)slab)->taken = false;
    pthread_mutex_unlock(&lock);
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
    for (unsigned i = 1; i < metric_slabs(); i++)
        slabs[i].taken = slabs[i].cells == metric_own_cells;
    after_fork();
}

static void begin(void)
{
    can_end = pthread_key_create(&ending, give_back) == 0 &&
              pthread_atfork(before_fork, after_fork, after_fork_in_child) == 0;
}

union metric_cell *metric_cells_claim(void)
{
    if (metric_own_cells)
        return metric_own_cells;
    pthread_once(&once, begin);
    struct slab *slab = can_end && !has_to_share ? take() : NULL;
    has_to_share = true; /* unless all goes well */
    if (!slab)
        return slabs[0].cells;
    if (pthread_setspecific(ending, slab) != 0) {
        give_back(slab);
        return slabs[0].cells;
    }
    return metric_own_cells = slab->cells;
}

/* ---- Runs of cells -------------------------------------------------------------------------- */

/* Cuts n cells off a run that was given back; 0: there is none so long. */
static uint32_t reuse(unsigned n)
{
    for (struct run **at = &free_runs, *run; (run = *at); at = &run->next) {
        if (run->n < n)
            continue;
        run->n -= n;
        uint32_t first = run->first + run->n;
        if (run->n == 0) {
            *at = run->next;
            free(run);
        }
        return first;
    }
    return 0;
}

static uint32_t use_fresh(unsigned n)
{
    if (!have_common() || METRIC_SLAB_CELLS - next_cell < n)
        return 0;
    next_cell += n;
    return next_cell - n;
}

uint32_t metric_cells_alloc(unsigned n)
{
    pthread_mutex_lock(&lock);
    uint32_t first = reuse(n);
    if (!first)
        first = use_fresh(n);
    pthread_mutex_unlock(&lock);
    return first;
}

/* Looks first: writing 0 to a page that nobody has written to would take memory. */
static void wipe(uint32_t first, unsigned n)
{
    for (unsigned i = 0; i < metric_slabs(); i++)
        for (union metric_cell *c = slabs[i].cells + first; c < slabs[i].cells + first + n; c++)
            if (cell_get(&c->n))
                cell_set(&c->n, 0);
}

/* Without memory for the note the cells are lost, which does no harm. */
static void note_run(uint32_t first, unsigned n)
{
    struct run *run = free_runs;
    if (run && run->first + run->n == first) {
        run->n += n;
        return;
    }
    run = malloc(sizeof *run);
    if (!run)
        return;
    *run = (struct run){free_runs, first, n};
    free_runs = run;
}

void metric_cells_free(uint32_t first, unsigned n)
{
    pthread_mutex_lock(&lock);
    wipe(first, n);
    note_run(first, n);
    pthread_mutex_unlock(&lock);
}

/* ---- Totals --------------------------------------------------------------------------------- */

uint64_t metric_cell_total(uint32_t cell)
{
    uint64_t total = 0;
    for (unsigned i = 0, n = metric_slabs(); i < n; i++)
        total += cell_get(&slabs[i].cells[cell].n);
    return total;
}

double metric_cell_total_double(uint32_t cell)
{
    double total = 0;
    for (unsigned i = 0, n = metric_slabs(); i < n; i++)
        total += cell_get_double(&slabs[i].cells[cell].x);
    return total;
}

void metric_cell_reset(uint32_t cell)
{
    atomic_fetch_sub_explicit(&slabs[0].cells[cell].n, metric_cell_total(cell),
                              memory_order_relaxed);
}
