/*
 * The protocol by which workers share a database: two tasks, two workers, a program that is not ops, a person, pruning,
 * and what can go wrong. README.md beside it says what is proved, and under which assumptions.
 *
 * A step is one transaction of the database, or one step of a process on its machine. Each may come as late as it
 * likes: so a stopped process, a busy event loop and a slow statement need no steps of their own, and neither does the
 * wall clock, which decides only when a task is due or overdue. A comment names the files that implement a step.
 *
 * The switches that begin with MISTAKE break a rule of the protocol, those with WITHOUT an assumption about the world.
 */

/* What a configuration chooses. */
#ifndef MACHINES
#define MACHINES 2 /* 1: a dead process is seen by the other worker; 2: each has its own, and their lives are leases */
#endif
#ifndef KEYED
#define KEYED 1 /* 1: both tasks have the same exclusivity key; 0: they have none */
#endif
#ifndef TRIGGERS
#define TRIGGERS 1 /* 0: a migration of the application has dropped them */
#endif

/* How often each thing happens at most. */
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef CUTS
#define CUTS 1
#endif
#ifndef RESETS
#define RESETS 0 /* sessions that the server ends while the link is up: its restart, a failover */
#endif
#ifndef RETURNS
#define RETURNS 1 /* a task becomes pending again: retried, given back, recovered, by a person */
#endif
#ifndef CANCELS
#define CANCELS 1
#endif
#ifndef FOREIGN_RUNS
#define FOREIGN_RUNS 0
#endif
#ifndef FOREIGN_WRITES
#define FOREIGN_WRITES 0
#endif
#ifndef PRUNES
#define PRUNES 0
#endif

/* Time in ticks; only the order of these counts. */
#define LEASE1 1 /* a worker that has not heard from the database for so long ends its task */
#define ENDING 1 /* how long that takes at most, pauses of its process included; and how long children outlive it */
#define LEASE2 4 /* a worker without a sign of life for so long is dead if its lock is free: more than LEASE1 + 2 ENDING */

#ifdef WITHOUT_DURABLE_COMMITS
#define UNDONE RESETS
#else
#define UNDONE 0
#endif
#define RUNS (2 + RETURNS + (1 - TRIGGERS) * FOREIGN_WRITES + UNDONE)

mtype = { pending, ongoing, succeeded, failed, canceled };
mtype:doing = { idle, have, performing, settling };
mtype:link = { clear, silent, deaf, lost };
mtype:statement = { none, sent_claim, looked, sent_settle, answered };

/* The database. */

typedef Run {
  byte owner; /* worker_id; 0: no such row */
  bit task;
  bit ended;
  bit asked /* cancel_requested_by */
}

Run runs[RUNS + 1];
mtype status[2] = pending;
byte open[2];  /* ops_open: the run that has the task */
byte open_key; /* ops_open: the run that has the key */
byte newest;   /* ops_sequence: run ids only grow, whatever is pruned */

/* The workers. */

typedef Worker {
  /* Its process, and what it knows. A restarted one is another worker: it has a new id. */
  bit alive = 1;
  bit gone; /* never starts again */
  byte life;
  mtype:doing doing = idle;
  byte own; /* its run */
  bit task;
  mtype out; /* what its task becomes */
  bit doubt; /* an answer was lost: the database may have begun a run for it */
  bit dropped; /* it has given its session up */
  byte silence; /* ticks since it sent the last statement that was answered, by a monotonic clock */

  /* The run that processes really work for now, which no database sees. */
  byte processes;
  byte orphans; /* the same of a worker that has died */
  byte orphaned; /* ticks since */

  /* Its link to the database, its session there with its lock, and the statement on the way. */
  mtype:link link = clear;
  bit session = 1;
  mtype:statement statement = none;
  byte reply;

  /* Its recovery of the runs of others. */
  byte looks; /* a run of a silent worker */
  byte waited; /* ticks since its worker's last sign of life, by a monotonic clock */
  byte takes; /* a run it has decided to take over */
  bit cleaned /* its processes on this machine are ended */
}

Worker worker[2];
byte foreign_processes; /* the same for the program that is not ops */

byte crashes = CRASHES, cuts = CUTS, resets = RESETS, returns = RETURNS, cancels = CANCELS;
byte foreign_runs = FOREIGN_RUNS, foreign_writes = FOREIGN_WRITES, prunes = PRUNES;

hidden byte found;
hidden mtype how;

#define FOREIGN 1
#define ID(w) (2 + w + 2 * worker[w].life)
#define IS_WORKER(owner) (owner >= 2)
#define MACHINE_OF(owner) (owner & 1)
#define IS_RUNNING(owner) (worker[MACHINE_OF(owner)].alive && ID(MACHINE_OF(owner)) == owner)
/* Whether a worker's lock is held: by its session in the database, or on its file. */
#define IS_HELD(owner) (worker[MACHINE_OF(owner)].session && ID(MACHINE_OF(owner)) == owner)

/* Whether a worker writes signs of life, which is more often than time counts here. */
#define IS_CONNECTED(w) (worker[w].alive && worker[w].link == clear && worker[w].session && !worker[w].dropped)
#define GIVES_SIGNS(owner) (IS_CONNECTED(MACHINE_OF(owner)) && ID(MACHINE_OF(owner)) == owner)

#define HAS_ROOM(t) (open[t] == 0 && (!KEYED || open_key == 0))
#ifdef MISTAKE_CLAIM_BY_STATUS
#define IS_FREE(t) (status[t] == pending && (!KEYED || open_key == 0))
#else
#define IS_FREE(t) (status[t] == pending && HAS_ROOM(t))
#endif

/* The invariants of the database after each transaction: what is open and what is ongoing are the same set. */
inline check_database() {
  assert(TRIGGERS == 0 || (status[0] == ongoing) == (open[0] != 0));
  assert(TRIGGERS == 0 || (status[1] == ongoing) == (open[1] != 0));
  assert(status[0] != ongoing || open[0] != 0);
  assert(status[1] != ongoing || open[1] != 0);
  assert(open[0] == 0 || (runs[open[0]].owner != 0 && !runs[open[0]].ended && runs[open[0]].task == 0));
  assert(open[1] == 0 || (runs[open[1]].owner != 0 && !runs[open[1]].ended && runs[open[1]].task == 1));
  assert(!KEYED || open_key == (open[0] | open[1]) && (open[0] == 0 || open[1] == 0));
  found = 1;
  do
  :: found <= RUNS ->
    assert(runs[found].owner == 0 || runs[found].ended || open[runs[found].task] == found);
    found++
  :: else -> break
  od;
  found = 0
}

/* Before processes start: no others may work on the task, or under its key. */
#define WORKS(r, t) (r != 0 && (KEYED || runs[r].task == t))
inline check_alone(which) {
  assert(!WORKS(worker[0].processes, which) && !WORKS(worker[0].orphans, which));
  assert(!WORKS(worker[1].processes, which) && !WORKS(worker[1].orphans, which));
  assert(!WORKS(foreign_processes, which))
}

#define IS_NEW (newest == 0 && status[0] == pending && status[1] == pending)

/*
 * Begins a run: its row, the rows of the task and the key in ops_open, the status.
 * src/queue/sqlite/claim-statements.ts, claimFunction in src/queue/postgres/claim.ts
 */
inline begin_run(which, who) {
  assert(status[which] == pending);
  newest++;
  assert(runs[newest].owner == 0);
  runs[newest].owner = who;
  runs[newest].task = which;
  assert(open[which] == 0 && (!KEYED || open_key == 0)); /* the primary key */
  open[which] = newest;
  if
  :: KEYED -> open_key = newest
  :: else
  fi;
  status[which] = ongoing
}

/*
 * Ends a run if it has not ended: how many rows of ops_runs that changes is the fence. END_RUN, RELEASE_TASK and RELEASE_KEY
 * in src/queue/sqlite/settle.ts, settleFunction in src/queue/postgres/settle.ts; what it becomes: src/queue/decisions.ts
 */
inline end_run(number, which, becomes) {
  if
#ifdef MISTAKE_NO_FENCE
  :: true ->
#else
  :: runs[number].owner != 0 && !runs[number].ended ->
#endif
    how = becomes;
    if
    :: how == pending && runs[number].asked -> how = canceled
    :: else
    fi;
    assert(runs[number].owner != 0 && !runs[number].ended); /* an ended run never changes, and is never settled again */
    runs[number].ended = 1;
    runs[number].asked = 0;
    /* What it holds is free after that. */
    assert(open[which] == number);
    open[which] = 0;
    if
    :: open_key == number -> open_key = 0
    :: else
    fi;
    if
    :: status[which] == ongoing -> status[which] = how
    :: else /* somebody changed it while no trigger was there */
    fi
  :: else
  fi
}

/* A worker: src/worker/worker.ts */

#define me worker[w]
#define CAN_SEND (me.alive && !me.dropped && me.session && me.statement == none)
#define ARRIVES (me.session && (me.link == clear || me.link == deaf))
#define ANSWERS (me.alive && !me.dropped && me.session && me.link == clear)

/* What is left when a task is no concern of this worker any more. */
inline forget_task(w) {
  me.doing = idle;
  me.own = 0;
  me.task = 0;
  me.out = 0;
  me.silence = 0
}

/* It has heard from the database. A task that it has not begun within the lease may be another's by now. */
inline hear(w) {
  if
#ifndef MISTAKE_RENEW_LATE
  :: me.doing == have && me.silence >= LEASE1
#endif
  :: else -> me.silence = 0
  fi
}

/* The statement has been executed; its answer comes back, or waits for the link, or never comes. */
inline answer(w) {
  if
  :: ANSWERS ->
    found = me.silence; /* since it was sent */
    forget_task(w);
    me.statement = none;
    if
    :: me.reply != 0 ->
#ifndef MISTAKE_LEASE_FROM_ANSWER
      me.silence = found;
#endif
      me.own = me.reply;
      me.task = runs[me.reply].task;
      me.doing = have;
      me.reply = 0
    :: else
    fi;
    found = 0
  :: else -> me.statement = answered
  fi
}

/* A statement that is sent and arrives in one step. */
inline send(w) {
  if
  :: me.statement == none -> me.silence = 0
  :: else
  fi
}

inline settle(w) {
  end_run(me.own, me.task, me.out);
  check_database()
}

inline claim(w, wanted) {
  begin_run(wanted, ID(w));
  me.reply = newest;
  check_database()
}

/*
 * A sign of life: the lock is taken on a new session, or the worker's row is written. Whoever has waited starts again, and whoever
 * has decided finds out. A claim is one too: whoever waits, waits because of a certain run.
 */
inline give_sign(w) {
  worker[1 - w].looks = 0;
  worker[1 - w].waited = 0;
#ifndef MISTAKE_NO_SECOND_LOOK
  if
  :: worker[1 - w].takes != 0 && runs[worker[1 - w].takes].owner == ID(w) ->
    worker[1 - w].takes = 0;
    worker[1 - w].cleaned = 0
  :: else
  fi
#endif
}

/* The processes of a task that must end are gone before its end is written. */
inline end_processes(w) {
#ifndef MISTAKE_SETTLE_EARLY
  me.processes = 0
#else
  skip
#endif
}

/* The workers are alike, and so are the tasks: the first claim may as well be worker 0's, the first run task 0's. */
#define IS_FIRST(w) (newest != 0 || w == 0)

#define IS_PERFORMING (me.alive && me.doing == performing)
#define IS_TOLD (CAN_SEND && ANSWERS)
#define LOOKS (ARRIVES && IS_FIRST(w) && (me.statement == sent_claim || (CAN_SEND && me.doing == idle && !me.doubt)))
#define SETTLES (ARRIVES && (me.statement == sent_settle || (CAN_SEND && me.doing == settling)))
#define CLAIMS_NEXT (me.statement == sent_settle || !me.doubt)

proctype Work(bit w) {
end:
  do
  /* Claim. The look-up takes no lock: src/queue/sqlite/claim.ts, src/queue/postgres/claim.ts */
  :: d_step { LOOKS && IS_FREE(0) -> send(w); me.statement = looked; me.task = 0 }
  :: d_step { LOOKS && IS_FREE(1) && !IS_NEW -> send(w); me.statement = looked; me.task = 1 }
  :: d_step { me.statement == sent_claim && ARRIVES && !IS_FREE(0) && !IS_FREE(1) -> answer(w) }
  /* What was found is looked at again under the lock of its row. */
  :: d_step {
      me.session && me.statement == looked ->
      if
#ifdef MISTAKE_CLAIM_UNCHECKED
      :: HAS_ROOM(me.task) -> claim(w, me.task)
#else
      :: IS_FREE(me.task) -> claim(w, me.task)
#endif
      :: else
      fi;
      answer(w)
    }
  /* Settle, alone or with the next claim, in one transaction. */
  :: d_step { SETTLES -> send(w); settle(w); answer(w) }
  :: d_step { SETTLES && CLAIMS_NEXT -> send(w); settle(w); if :: IS_FREE(0) -> claim(w, 0) :: else fi; answer(w) }
  :: d_step { SETTLES && CLAIMS_NEXT -> send(w); settle(w); if :: IS_FREE(1) -> claim(w, 1) :: else fi; answer(w) }
  /* Sent while nothing passes: it arrives when the link is back, even if its worker has given up on it. */
  :: d_step { CAN_SEND && !ARRIVES && me.doing == idle && !me.doubt -> me.silence = 0; me.statement = sent_claim }
  :: d_step { CAN_SEND && !ARRIVES && me.doing == settling && !me.doubt -> me.silence = 0; me.statement = sent_settle }
  :: d_step { me.statement == answered && ANSWERS -> answer(w) }
  /* Each statement has a limit: src/queue/postgres/session.ts */
  :: d_step {
      me.alive && !me.dropped && me.link != clear && (me.statement != none || me.doing == performing) ->
      me.dropped = 1;
      if
      :: me.statement != none -> me.doubt = 1
      :: else
      fi
    }
  /*
   * A new session takes the worker's lock before anything else, and so only when the old one has ended, with what it
   * was executing: OwnLock.acquire in src/queue/postgres/worker-lock.ts
   */
  :: d_step {
      me.alive && me.link == clear && (me.dropped || !me.session) ->
      me.session = 1;
      me.dropped = 0;
      me.statement = none;
      me.reply = 0;
      hear(w);
#ifndef MISTAKE_OLD_FREE_LOCK
      give_sign(w)
#endif
    }
  /* The run that an answer would have told of, with a lock on its row: #findUnknownRun in src/queue/postgres/runs.ts */
  :: d_step {
      me.doubt && IS_TOLD && me.doing == idle ->
      me.doubt = 0;
      me.silence = 0;
      if
#ifdef MISTAKE_NO_DOUBT
      :: true
#endif
      :: open[0] != 0 && runs[open[0]].owner == ID(w) -> me.reply = open[0]
      :: else ->
        if
        :: open[1] != 0 && runs[open[1]].owner == ID(w) -> me.reply = open[1]
        :: else
        fi
      fi;
      answer(w)
    }
  /* Perform: src/worker/perform-task.ts, src/worker/child-processes.ts */
  :: d_step {
#ifdef MISTAKE_START_LATE
      me.alive && me.doing == have ->
#else
      me.alive && me.doing == have && me.silence < LEASE1 ->
#endif
      check_alone(me.task);
      me.processes = me.own;
      me.doing = performing
    }
  :: d_step { me.alive && me.doing == have && me.silence >= LEASE1 -> me.out = failed; me.doing = settling }
  /*
   * A task that was not begun within the lease, or the next program of one, may be another's by now: the lease is renewed
   * first, and then the run must be open. src/worker/lease-keeper.ts
   */
  :: d_step {
#ifdef MISTAKE_RENEW_UNCHECKED
      IS_TOLD && me.doing == have && me.silence >= LEASE1 ->
#else
      IS_TOLD && me.doing == have && me.silence >= LEASE1 && open[me.task] == me.own ->
#endif
      me.silence = 0;
      give_sign(w)
    }
  :: d_step { IS_PERFORMING -> me.processes = 0; me.out = succeeded; me.doing = settling }
  :: d_step { IS_PERFORMING -> me.processes = 0; me.out = failed; me.doing = settling }
  :: d_step { IS_PERFORMING && returns > 0 -> returns--; me.processes = 0; me.out = pending; me.doing = settling }
  /* Every 400 ms: is the run still this worker's, and is it to be canceled? src/worker/run-watch.ts */
  :: d_step { IS_PERFORMING && IS_TOLD && open[me.task] != me.own -> me.processes = 0; forget_task(w) }
  :: d_step {
      IS_PERFORMING && IS_TOLD && runs[me.own].asked ->
      end_processes(w);
      me.out = canceled;
      me.doing = settling
    }
  /* The lease is renewed by a sign of life: OwnLock.renew in src/queue/postgres/worker-lock.ts */
  :: d_step { me.silence > 0 && IS_TOLD && !(me.doing == have && me.silence >= LEASE1) -> me.silence = 0; give_sign(w) }
  /* The lease is lost: src/worker/lease-keeper.ts */
  :: d_step { IS_PERFORMING && me.silence >= LEASE1 -> end_processes(w); me.out = failed; me.doing = settling }
  :: d_step {
      IS_PERFORMING && me.silence >= LEASE1 && returns > 0 ->
      returns--;
      end_processes(w);
      me.out = pending;
      me.doing = settling
    }
#ifdef MISTAKE_SETTLE_EARLY
  :: d_step { me.alive && me.doing != performing && me.processes != 0 -> me.processes = 0 }
#endif
  od
}

/* The same worker's recovery of others' runs, every 5 s: src/worker/recovery.ts */

#define OPEN_OF_OTHER(t) (open[t] != 0 && IS_WORKER(runs[open[t]].owner) && runs[open[t]].owner != ID(w))
#define OWNER(t) runs[open[t]].owner
#define IS_HERE(owner) (MACHINES == 1 || MACHINE_OF(owner) == w)
#ifdef MISTAKE_TAKE_OVER_EARLY
#define TAKE_OVER_AFTER LEASE1
#else
#define TAKE_OVER_AFTER LEASE2
#endif

inline take(w, number) {
  me.takes = number;
  me.cleaned = 0;
  me.looks = 0;
  me.waited = 0
}

#define IS_DEAD_HERE(t) (OPEN_OF_OTHER(t) && IS_HERE(OWNER(t)) && !IS_RUNNING(OWNER(t)) && !IS_HELD(OWNER(t)))
#define IS_AWAY(t) (OPEN_OF_OTHER(t) && !IS_HERE(OWNER(t)) && !GIVES_SIGNS(OWNER(t)))
#define SEEN runs[me.looks]
#define TAKEN runs[me.takes]

#if defined(MISTAKE_OVERDUE_ALIVE) || defined(MISTAKE_NO_SECOND_LOOK)
#define MAY_TAKE (ANSWERS && me.takes != 0 && me.cleaned)
#else
#define MAY_TAKE (ANSWERS && me.takes != 0 && me.cleaned && !IS_HELD(TAKEN.owner))
#endif

inline take_over(w, becomes) {
  end_run(me.takes, TAKEN.task, becomes);
  check_database();
  me.takes = 0;
  me.cleaned = 0
}

proctype Recover(bit w) {
end:
  do
  /*
   * On its own machine it sees that the process is dead. A stopped one whose task is overdue is killed first: that is a
   * crash like others. src/queue/sqlite/worker-lock.ts, src/queue/postgres/worker-lock.ts
   */
  :: d_step { ANSWERS && me.takes == 0 && IS_DEAD_HERE(0) -> take(w, open[0]) }
  :: d_step { ANSWERS && me.takes == 0 && IS_DEAD_HERE(1) -> take(w, open[1]) }
  /* On another it waits until the worker has been silent for long enough, whoever has its lock meanwhile. */
  :: d_step { ANSWERS && me.looks == 0 && me.takes == 0 && IS_AWAY(0) -> me.looks = open[0]; me.waited = 0 }
  :: d_step { ANSWERS && me.looks == 0 && me.takes == 0 && IS_AWAY(1) -> me.looks = open[1]; me.waited = 0 }
  :: d_step {
      ANSWERS && me.looks != 0 && (SEEN.owner == 0 || SEEN.ended) ->
      me.looks = 0;
      me.waited = 0
    }
  :: d_step {
      ANSWERS && me.looks != 0 && me.takes == 0 && me.waited >= TAKE_OVER_AFTER &&
        open[SEEN.task] == me.looks && !IS_HELD(SEEN.owner) ->
      take(w, me.looks)
    }
#ifdef MISTAKE_OVERDUE_ALIVE
  :: d_step { ANSWERS && me.takes == 0 && OPEN_OF_OTHER(0) -> take(w, open[0]) }
  :: d_step { ANSWERS && me.takes == 0 && OPEN_OF_OTHER(1) -> take(w, open[1]) }
#endif
  /* Ends what is left of the run on this machine: src/platform/process-group.ts */
  :: d_step {
      me.alive && me.takes != 0 && !me.cleaned ->
#ifndef MISTAKE_NO_CLEANING
      if
      :: IS_HERE(TAKEN.owner) && worker[MACHINE_OF(TAKEN.owner)].orphans == me.takes ->
        worker[MACHINE_OF(TAKEN.owner)].orphans = 0;
        worker[MACHINE_OF(TAKEN.owner)].orphaned = 0
      :: else
      fi;
#endif
      me.cleaned = 1
    }
  /*
   * Settles it, if there has been no sign of life since, and the lock is free: the run is ended first, and the worker's row
   * and its lock are looked at after that. A worker that comes back takes its lock and writes its row first, and looks whether
   * its run is open after that: so one of the two sees the other. settleDead in src/queue/sqlite/open-runs.ts and in
   * src/queue/postgres/open-runs.ts, isStillDead in src/queue/postgres/worker-lock.ts
   */
  :: d_step { MAY_TAKE -> take_over(w, (TAKEN.asked -> canceled : failed)) }
  :: d_step { MAY_TAKE && returns > 0 -> returns--; take_over(w, pending) }
  od
}

/* A person, on any machine: src/queue/sqlite/cancel.ts, src/queue/postgres/cancel.ts */

inline cancel(t) {
  cancels--;
  if
  :: status[t] == pending -> status[t] = canceled
  :: status[t] == ongoing && IS_WORKER(runs[open[t]].owner) -> runs[open[t]].asked = 1
  :: else
  fi;
  check_database()
}

inline retry(t) {
  returns--;
  status[t] = pending;
  check_database()
}

inline cancel_left(t) {
  found = open[t];
  end_run(found, t, canceled);
  check_database()
}

#define MAY_CANCEL(t) (cancels > 0 && (status[t] == pending || status[t] == ongoing))
#define MAY_RETRY(t) (returns > 0 && (status[t] == failed || status[t] == canceled))
#ifdef WITHOUT_CAREFUL_PERSON
#define IS_LEFT(t) (status[t] == ongoing && OWNER(t) == FOREIGN)
#else
#define IS_LEFT(t) (status[t] == ongoing && OWNER(t) == FOREIGN && foreign_processes == 0)
#endif

proctype Person() {
end:
  do
  :: d_step { MAY_CANCEL(0) && !IS_NEW -> cancel(0) }
  :: d_step { MAY_CANCEL(1) -> cancel(1) }
  :: d_step { MAY_RETRY(0) -> retry(0) }
  :: d_step { MAY_RETRY(1) -> retry(1) }
  /* Nothing in the database shows that a program has died which is not ops: a person who knows it cancels its task. */
  :: d_step { IS_LEFT(0) -> cancel_left(0) }
  :: d_step { IS_LEFT(1) -> cancel_left(1) }
  od
}

/*
 * The worker's pruning when idle, and `ops prune`: a run that has ended goes, at any time after. The deletions in
 * src/queue/sqlite/prune-rows.ts and src/queue/postgres/prune.ts
 */

inline prune(r) {
  prunes--;
  runs[r].owner = 0;
  runs[r].ended = 0
}

proctype Prune() {
end:
  do
  :: d_step { prunes > 0 && runs[1].ended -> prune(1) }
  :: d_step { prunes > 0 && runs[2].ended -> prune(2) }
#if RUNS > 2
  :: d_step { prunes > 0 && runs[3].ended -> prune(3) }
#endif
  od
}

/*
 * A program that is not ops. Triggers complete what it does, and refuse what is not its business:
 * src/queue/sqlite/triggers.ts, src/queue/postgres/triggers.ts
 */

#define IS_OF_WORKER(t) (open[t] != 0 && IS_WORKER(runs[open[t]].owner))

inline foreign_begin(t) {
  foreign_runs--;
  begin_run(t, FOREIGN);
  check_alone(t);
  foreign_processes = newest;
  check_database()
}

inline foreign_end(becomes) {
  found = foreign_processes;
  foreign_processes = 0;
  end_run(found, runs[found].task, becomes);
  check_database()
}

inline foreign_write(t, becomes) {
  foreign_writes--;
  if
  :: TRIGGERS == 0 -> status[t] = becomes
  :: else /* refused */
  fi;
  check_database()
}

proctype Foreign() {
end:
  do
  /* `update … set status = 'ongoing'`, refused while the task or the key is taken. */
  :: d_step { foreign_runs > 0 && IS_FREE(0) -> foreign_begin(0) }
  :: d_step { foreign_runs > 0 && !IS_NEW && IS_FREE(1) -> foreign_begin(1) }
  :: d_step { foreign_processes != 0 -> foreign_end(succeeded) }
  :: d_step { foreign_processes != 0 -> foreign_end(failed) }
  :: d_step { foreign_processes != 0 && returns > 0 -> returns--; foreign_end(pending) }
  /* It dies. */
  :: d_step { foreign_processes != 0 -> foreign_processes = 0 }
  /* It saves a stale object over a worker's ongoing task. */
  :: d_step { foreign_writes > 0 && IS_OF_WORKER(0) -> foreign_write(0, pending) }
  :: d_step { foreign_writes > 0 && IS_OF_WORKER(0) -> foreign_write(0, canceled) }
  :: d_step { foreign_writes > 0 && IS_OF_WORKER(1) -> foreign_write(1, pending) }
  :: d_step { foreign_writes > 0 && IS_OF_WORKER(1) -> foreign_write(1, canceled) }
  od
}

/* What can happen to a worker. */

/* The server ends a session: what it was executing is undone, what it has not received is gone. */
inline end_session(w) {
  me.session = 0;
  if
  :: me.alive && me.statement != none -> me.doubt = 1
  :: else
  fi;
  me.statement = none;
  me.reply = 0
}

inline crash(w) {
  crashes--;
  me.alive = 0;
  me.orphans = me.processes;
  me.processes = 0;
  me.doubt = 0;
  me.dropped = 0;
  me.looks = 0;
  me.waited = 0;
  me.takes = 0;
  me.cleaned = 0;
  /* A statement that is on its way is executed even now. */
  if
  :: me.statement == none || me.statement == answered -> end_session(w); forget_task(w)
  :: else
  fi
}

#define IS_LAST(w) (!IS_FIRST(1 - w) || worker[1 - w].gone || worker[1 - w].link == lost)

proctype Fault(bit w) {
end:
  do
  /* SIGKILL, out of memory, and being ended for an overdue task. Its children go on. */
  :: d_step { me.alive && crashes > 0 -> crash(w) }
  :: d_step { me.alive && crashes > 0 && MACHINES == 2 && !IS_LAST(w) -> crash(w); me.gone = 1 }
  :: d_step { me.orphans != 0 -> me.orphans = 0; me.orphaned = 0 }
  /* The server notices, at once or much later. */
  :: d_step { !me.alive && me.session -> end_session(w); forget_task(w) }
  :: d_step { !me.alive && !me.gone && !me.session -> me.life++; me.alive = 1 }
#if CUTS > 0 || RESETS > 0
  /* A cut: nothing passes, or statements arrive and answers do not; for a while, or for good. */
  :: d_step { cuts > 0 && me.link == clear -> cuts--; me.link = silent }
  :: d_step { cuts > 0 && me.link == clear -> cuts--; me.link = deaf }
  :: d_step { cuts > 0 && MACHINES == 2 && me.link == clear && !IS_LAST(w) -> cuts--; me.link = lost }
  :: d_step { me.link == silent || me.link == deaf -> me.link = clear }
  :: d_step { me.alive && me.session && me.link != clear -> end_session(w) }
  :: d_step { resets > 0 && me.alive && me.session && me.link == clear -> resets--; end_session(w) }
#endif
#ifdef WITHOUT_DURABLE_COMMITS
  /* A failover to a standby that has not yet received the last claim. */
  :: d_step {
      resets > 0 && newest != 0 && open[runs[newest].task] == newest ->
      resets--;
      status[runs[newest].task] = pending;
      open[runs[newest].task] = 0;
      open_key = 0;
      runs[newest].ended = 1
    }
#endif
#ifdef MISTAKE_WALL_CLOCK
  /* A step of the clock, by which another worker counts how long the lock has been free. */
  :: d_step { me.looks != 0 && me.waited < LEASE2 -> me.waited = LEASE2 }
#endif
  od
}

/* Time passes where somebody counts it, and not beyond what is bound to happen before. */

#define NEEDS_LEASE(w) (worker[w].alive && \
  (worker[w].doing == have || worker[w].doing == performing || worker[w].statement != none))
#define LEASE_RUNS(w) (NEEDS_LEASE(w) && (worker[w].link != clear || !worker[w].session || worker[w].dropped))
#ifdef WITHOUT_SHORT_PAUSES
#define IS_LATE(w) 0
#else
#define IS_LATE(w) (worker[w].alive && worker[w].processes != 0 && worker[w].silence >= LEASE1 + ENDING)
#endif
#ifdef WITHOUT_DYING_CHILDREN
#define STAYS(w) 0
#else
#define STAYS(w) (MACHINES == 2 && worker[w].orphans != 0 && worker[w].orphaned >= ENDING)
#endif

#define COUNTS_SILENCE(w) (LEASE_RUNS(w) && worker[w].silence < LEASE1 + ENDING)
#define COUNTS_ORPHANED(w) (MACHINES == 2 && worker[w].orphans != 0 && worker[w].orphaned < ENDING)
#define COUNTS_WAITED(w) (worker[w].looks != 0 && worker[w].waited < LEASE2 && !GIVES_SIGNS(runs[worker[w].looks].owner))
#define COUNTS(w) (COUNTS_SILENCE(w) || COUNTS_ORPHANED(w) || COUNTS_WAITED(w))

inline count(w) {
  if :: COUNTS_SILENCE(w) -> worker[w].silence++ :: else fi;
  if :: COUNTS_ORPHANED(w) -> worker[w].orphaned++ :: else fi;
  if :: COUNTS_WAITED(w) -> worker[w].waited++ :: else fi
}

proctype Time() {
end:
  do
  :: d_step { (COUNTS(0) || COUNTS(1)) && !IS_LATE(0) && !IS_LATE(1) && !STAYS(0) && !STAYS(1) -> count(0); count(1) }
  od
}

/* When nothing can happen any more, everything is decided. */

#define IS_DECIDED(t) (status[t] == succeeded || status[t] == failed || status[t] == canceled)

proctype End() {
end:
  timeout -> assert(IS_DECIDED(0) && IS_DECIDED(1) && open[0] == 0 && open[1] == 0 && open_key == 0
    && worker[0].processes == 0 && worker[1].processes == 0 && foreign_processes == 0)
}

init {
  atomic {
    run Work(0); run Work(1); run Recover(0); run Recover(1); run Fault(0); run Fault(1);
    run Time(); run Person(); run Prune(); run Foreign(); run End()
  }
}
