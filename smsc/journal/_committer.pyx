"""The committer: a thread that makes frames durable, one after the other, and never takes the GIL.

A frame is written whole and synced (fdatasync) before the next one is touched; this order is what
lets recovery tell a torn tail from corruption. After the first error nothing more is written: the
kernel may have dropped the pages of a failed sync, so a second one proves nothing.

Line tracing, which the debug build turns on, takes the GIL in every function; what the thread runs
is exempt, or it would wait for the GIL with the lock in hand.
"""

cimport cython
from cpython.ref cimport Py_INCREF, Py_XDECREF, PyObject
from libc.errno cimport EINTR, EIO, errno
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec
from posix.unistd cimport close

from smsc.journal._frame cimport Frame

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_t:
        pass
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    int pthread_create(pthread_t *thread, void *attr, void *(*run)(void *) noexcept nogil,
                       void *arg)
    int pthread_join(pthread_t thread, void **result)
    int pthread_mutex_init(pthread_mutex_t *mutex, void *attr)
    int pthread_mutex_destroy(pthread_mutex_t *mutex)
    int pthread_mutex_lock(pthread_mutex_t *mutex)
    int pthread_mutex_unlock(pthread_mutex_t *mutex)
    int pthread_cond_init(pthread_cond_t *cond, void *attr)
    int pthread_cond_destroy(pthread_cond_t *cond)
    int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
    int pthread_cond_signal(pthread_cond_t *cond)

cdef extern from "<signal.h>" nogil:
    ctypedef struct sigset_t:
        pass
    int SIG_SETMASK
    int sigfillset(sigset_t *signals)
    int pthread_sigmask(int how, const sigset_t *signals, sigset_t *old)

cdef extern from "<sys/eventfd.h>" nogil:
    int EFD_CLOEXEC
    int EFD_NONBLOCK
    ctypedef uint64_t eventfd_t
    int eventfd(unsigned int value, int flags)
    int eventfd_read(int fd, eventfd_t *value)
    int eventfd_write(int fd, eventfd_t value)

cdef extern from "<unistd.h>" nogil:
    ssize_t pwrite(int fd, const void *data, size_t octets, long long offset)
    int fdatasync(int fd)

cdef enum:
    BUCKETS = 32


cdef struct Job:
    Job *next
    PyObject *frame          # keeps the octets alive until ``take``
    const unsigned char *data
    size_t octets
    long long offset
    int fd


@cython.profile(False)
@cython.linetrace(False)
cdef uint64_t microseconds() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <uint64_t>now.tv_sec * 1000000 + <uint64_t>now.tv_nsec // 1000


cdef struct Shared:
    pthread_mutex_t lock
    pthread_cond_t work       # there is a job, or it is time to stop
    pthread_cond_t progress   # a job is done
    Job *first                # waiting and, at the head, being written
    Job *last
    Job *done                 # finished, newest first; freed by ``take``
    size_t waiting
    int error                 # errno of the first failure
    int failed_call           # 1 pwrite, 2 fdatasync
    bint stopping
    int wake_fd
    uint64_t busy_since       # microseconds, monotonic; 0 when idle
    uint64_t histogram[BUCKETS]
    uint64_t total_us


@cython.profile(False)
@cython.linetrace(False)
cdef int write_all(const Job *job) noexcept nogil:
    """0, or the errno. A short write goes on where it stopped; one that makes no headway is EIO."""
    cdef size_t written = 0
    cdef ssize_t n
    while written < job.octets:
        n = pwrite(job.fd, job.data + written, job.octets - written,
                   job.offset + <long long>written)
        if n > 0:
            written += n
        elif n == 0:
            return EIO
        elif errno != EINTR:
            return errno
    return 0


@cython.profile(False)
@cython.linetrace(False)
cdef int sync(int fd) noexcept nogil:
    while fdatasync(fd) != 0:
        if errno != EINTR:
            return errno
    return 0


@cython.profile(False)
@cython.linetrace(False)
cdef int bucket(uint64_t us) noexcept nogil:
    cdef int index = 0
    while us and index < BUCKETS - 1:
        us >>= 1
        index += 1
    return index


@cython.profile(False)
@cython.linetrace(False)
cdef void commit(Shared *shared, const Job *job) noexcept nogil:
    """Make one frame durable and account for it. Called without the lock."""
    cdef uint64_t start
    cdef uint64_t us
    cdef int error = write_all(job)
    cdef int call = 1
    start = microseconds()
    if error == 0:
        call = 2
        error = sync(job.fd)
    us = microseconds() - start
    pthread_mutex_lock(&shared.lock)
    if error:
        shared.error = error
        shared.failed_call = call
    else:
        shared.histogram[bucket(us)] += 1
        shared.total_us += us
    pthread_mutex_unlock(&shared.lock)


@cython.profile(False)
@cython.linetrace(False)
cdef void retire(Shared *shared) noexcept nogil:
    """Move the head of the queue to the done list. Called with the lock held."""
    cdef Job *job = shared.first
    shared.first = job.next
    if shared.first == NULL:
        shared.last = NULL
    job.next = shared.done
    shared.done = job
    shared.waiting -= 1


@cython.profile(False)
@cython.linetrace(False)
cdef void *run(void *argument) noexcept nogil:
    cdef Shared *shared = <Shared *>argument
    cdef Job *job
    pthread_mutex_lock(&shared.lock)
    while True:
        while (shared.first == NULL or shared.error) and not shared.stopping:
            pthread_cond_wait(&shared.work, &shared.lock)
        if shared.stopping:
            break
        shared.busy_since = microseconds()
        job = shared.first
        pthread_mutex_unlock(&shared.lock)
        commit(shared, job)
        pthread_mutex_lock(&shared.lock)
        shared.busy_since = 0
        if not shared.error:
            retire(shared)
        eventfd_write(shared.wake_fd, 1)
        pthread_cond_signal(&shared.progress)
    pthread_mutex_unlock(&shared.lock)
    return NULL


@cython.final
@cython.no_gc
cdef class Committer:
    """Owns the thread, its queue of frames and the descriptor that tells of news.

    All methods but ``wake`` are for one thread, the log's owner.
    """

    cdef Shared shared
    cdef pthread_t thread
    cdef bint running

    def __cinit__(self):
        memset(&self.shared, 0, sizeof(Shared))
        pthread_mutex_init(&self.shared.lock, NULL)
        pthread_cond_init(&self.shared.work, NULL)
        pthread_cond_init(&self.shared.progress, NULL)
        self.shared.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
        if self.shared.wake_fd < 0:
            raise OSError(errno, "eventfd")
        self.start()

    cdef int start(self) except -1:
        # Signals are for the thread that runs Python.
        cdef sigset_t every, before
        cdef int error
        sigfillset(&every)
        pthread_sigmask(SIG_SETMASK, &every, &before)
        error = pthread_create(&self.thread, NULL, run, &self.shared)
        pthread_sigmask(SIG_SETMASK, &before, NULL)
        if error:
            raise OSError(error, "pthread_create")
        self.running = True
        return 0

    def __dealloc__(self):
        self.stop()
        free_jobs(self.shared.first)
        free_jobs(self.shared.done)
        pthread_cond_destroy(&self.shared.progress)
        pthread_cond_destroy(&self.shared.work)
        pthread_mutex_destroy(&self.shared.lock)

    def fileno(self) -> int:
        """A descriptor that is readable when there is news for ``take``."""
        return self.shared.wake_fd

    def wake(self) -> None:
        """Make ``fileno`` readable. From any thread; nothing happens after ``stop``."""
        if self.shared.wake_fd >= 0:
            eventfd_write(self.shared.wake_fd, 1)

    def submit(self, Frame frame not None, int fd) -> None:
        """Queue a finished frame. It must not be changed until ``take`` has counted it."""
        cdef Job *job = <Job *>calloc(1, sizeof(Job))
        if job == NULL:
            raise MemoryError
        job.frame = <PyObject *>frame
        Py_INCREF(frame)
        job.data = frame.data
        job.octets = frame.octets
        job.offset = frame.offset
        job.fd = fd
        pthread_mutex_lock(&self.shared.lock)
        if self.shared.last == NULL:
            self.shared.first = job
        else:
            self.shared.last.next = job
        self.shared.last = job
        self.shared.waiting += 1
        pthread_cond_signal(&self.shared.work)
        pthread_mutex_unlock(&self.shared.lock)

    def take(self) -> int:
        """How many frames have become durable since the last call, in the order of ``submit``."""
        cdef eventfd_t count
        cdef Job *done
        cdef Job *job
        cdef int frames = 0
        eventfd_read(self.shared.wake_fd, &count)
        pthread_mutex_lock(&self.shared.lock)
        done = self.shared.done
        self.shared.done = NULL
        pthread_mutex_unlock(&self.shared.lock)
        job = done
        while job != NULL:
            frames += 1
            job = job.next
        free_jobs(done)
        return frames

    @property
    def error(self):
        """``(errno, name of the call)`` of the first failure, or None. It stays."""
        cdef int error, call
        pthread_mutex_lock(&self.shared.lock)
        error = self.shared.error
        call = self.shared.failed_call
        pthread_mutex_unlock(&self.shared.lock)
        return (error, "pwrite" if call == 1 else "fdatasync") if error else None

    def wait(self) -> None:
        """Return when all is durable or the first error has come."""
        with nogil:
            pthread_mutex_lock(&self.shared.lock)
            while self.shared.waiting and not self.shared.error:
                pthread_cond_wait(&self.shared.progress, &self.shared.lock)
            pthread_mutex_unlock(&self.shared.lock)

    def busy_us(self) -> int:
        """For how many microseconds the frame under way has been; 0 when none is."""
        cdef uint64_t since
        pthread_mutex_lock(&self.shared.lock)
        since = self.shared.busy_since
        pthread_mutex_unlock(&self.shared.lock)
        return microseconds() - since if since else 0

    def histogram(self):
        """fdatasync durations: bucket n counts those below 2**n microseconds; and their sum."""
        cdef int i
        pthread_mutex_lock(&self.shared.lock)
        counts = [self.shared.histogram[i] for i in range(BUCKETS)]
        total = self.shared.total_us
        pthread_mutex_unlock(&self.shared.lock)
        return counts, total

    def stop(self) -> None:
        """End the thread after the frame it is at, and close the descriptor.

        What is still queued is not written.
        """
        if self.running:
            self.running = False
            pthread_mutex_lock(&self.shared.lock)
            self.shared.stopping = True
            pthread_cond_signal(&self.shared.work)
            pthread_mutex_unlock(&self.shared.lock)
            with nogil:
                pthread_join(self.thread, NULL)
        if self.shared.wake_fd >= 0:
            close(self.shared.wake_fd)
            self.shared.wake_fd = -1


cdef void free_jobs(Job *job) noexcept:
    cdef Job *following
    while job != NULL:
        following = job.next
        Py_XDECREF(job.frame)
        free(job)
        job = following
