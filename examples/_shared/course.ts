/**
 * The course: its chapters, and the exercises of each, with all their forms.
 *
 * The order of the rows is the order to read in. tests/examples/main_test.ts compares the table
 * with the scripts that there are: none may be missing.
 *
 * @module
 */
import type { Language } from "./language.ts";

/** A line in each language. */
export type Line = Record<Language, string>;

/** A script, and what it shows. */
export interface Exercise extends Line {
  /** Its path below `examples/`, without `.ts`. */
  name: string;
  /** The forms that end by themselves: flags, and the exit code that each must give. */
  forms: Record<string, number>;
  /** The flags of a form that takes somebody at the keyboard. */
  byHand?: string;
}

/** A chapter: its number is its place in {@linkcode COURSE}. */
export interface Chapter extends Line {
  exercises: Exercise[];
}

/** All chapters, from 0. */
export const COURSE: Chapter[] = [
  {
    en: "How to read this: five traps for those who come from Python",
    zh: "怎样读这门课：从 Python 过来的五个坑",
    exercises: [
      {
        name: "traps",
        en: "Five traps, each broken and mended: which does the toolkit tell?",
        zh: "五个坑，错的和对的写法：哪些会得到提示？",
        forms: { "": 0 },
      },
    ],
  },
  {
    en: "Systems, programs, processes",
    zh: "操作系统、程序与进程",
    exercises: [
      {
        name: "multiprogramming",
        en: "Batch, switching, time slices: one CPU, simulated, as a picture",
        zh: "批处理、遇 IO 切换、时间片：一个 CPU 的模拟图",
        forms: { "": 0, "--slice 1": 0 },
      },
      {
        name: "processes/family",
        en: "Pids and parents: three generations of processes",
        zh: "PID 与父进程：三代进程的家谱",
        forms: { "": 0 },
      },
      {
        name: "processes/states",
        en: "R, S, T and Z: the states of a process",
        zh: "R、S、T、Z：进程的各种状态",
        forms: { "": 0 },
      },
      {
        name: "processes/top",
        en: "A small top: a family of processes, looked at again and again",
        zh: "小小的 top：一家进程，一遍又一遍地看",
        forms: { "": 0 },
      },
      {
        name: "processes/nice",
        en: "nice and renice: who lets others go first",
        zh: "nice 与 renice：谁让别人先走",
        forms: { "": 0 },
      },
      {
        name: "processes/exit",
        en: "exit() and _exit(): which of them runs finally blocks",
        zh: "exit() 与 _exit()：谁会执行 finally",
        forms: { "": 0 },
      },
      {
        name: "processes/wait",
        en: "Children that end in five ways, and what wait() tells of each",
        zh: "子进程的五种结局，wait() 怎么说",
        forms: { "": 0, "--in-order": 0, "--nohang": 0 },
      },
      {
        name: "processes/zombie",
        en: "A zombie, and three cures",
        zh: "僵尸进程，以及三种处理办法",
        forms: { "": 0 },
      },
      {
        name: "processes/orphan",
        en: "An orphan: what becomes of a process whose parent dies",
        zh: "孤儿进程：父进程死了，它会怎样",
        forms: { "": 0, "--end": 0 },
      },
    ],
  },
  {
    en: "Making processes",
    zh: "创建进程",
    exercises: [
      {
        name: "processes/fork",
        en: "Play music and dance: what takes the place of fork()",
        zh: "一边放音乐一边跳舞：用什么代替 fork()",
        forms: { "": 0, "--silent": 0 },
      },
      {
        name: "processes/memory",
        en: "n = 100, and a child sets it to 0: who sees that?",
        zh: "n = 100，子进程把它改成 0：谁看得见？",
        forms: { "": 0 },
      },
      {
        name: "processes/subclass",
        en: "A process as a class of one's own, and the same as a function",
        zh: "自己写一个进程类，以及同样内容的函数",
        forms: { "": 0 },
      },
      {
        name: "processes/join",
        en: "With and without join(), three at once, one after the other",
        zh: "用不用 join()，三个一起跑，一个接一个跑",
        forms: { "": 0 },
      },
      {
        name: "processes/daemon",
        en: "Who is stopped when main ends: daemons and plain children",
        zh: "主进程结束时谁会被终止：守护进程与普通子进程",
        forms: { "": 0 },
      },
      {
        name: "processes/terminate",
        en: "A child that reads without end, and how it is stopped",
        zh: "一个读个没完的子进程，怎样终止它",
        forms: { "--no-terminate": 1, "": 0 },
      },
      {
        name: "processes/start_method",
        en: "What a child imports, and what happens without the guard",
        zh: "子进程会导入什么，没有保护会怎样",
        forms: { "--form no-guard": 1, "": 0 },
      },
      {
        name: "processes/start_cost",
        en: "What a thread and a process cost: time and memory, measured",
        zh: "线程和进程各要花多少时间和内存：实测",
        forms: { "": 0 },
      },
    ],
  },
  {
    en: "Threads",
    zh: "线程",
    exercises: [
      {
        name: "threads/first_steps",
        en: "Two loops: one after the other, as threads, and with join()",
        zh: "两个循环：先后执行、用线程、再加 join()",
        forms: { "--form threads": 1, "": 0 },
      },
      {
        name: "threads/attributes",
        en: "Name, ident, daemon, state, and which threads there are",
        zh: "名字、标识、守护、状态，以及有哪些线程",
        forms: { "": 0 },
      },
      {
        name: "threads/subclass",
        en: "A thread as a class of one's own; run() is not start()",
        zh: "自己写一个线程类；run() 不是 start()",
        forms: { "--form run": 1, "": 0 },
      },
      {
        name: "threads/locals",
        en: "Local variable, field, module variable, Value: which is shared?",
        zh: "局部变量、属性、模块变量、Value：哪个是共享的？",
        forms: { "": 0 },
      },
      {
        name: "threads/states",
        en: "New, ready, running, waiting, ended: the five states",
        zh: "新建、就绪、执行、等待、终止：五种状态",
        forms: { "": 0 },
      },
      {
        name: "threads/daemon",
        en: "Does a program wait for its threads? Plain ones and daemons",
        zh: "程序等不等它的线程？普通线程与守护线程",
        forms: { "--form plain": 0, "": 0, "--form two": 0 },
      },
      {
        name: "threads/memory",
        en: "n = 100, and a thread sets it to 0: who sees that?",
        zh: "n = 100，线程把它改成 0：谁看得见？",
        forms: { "": 0 },
      },
    ],
  },
  {
    en: "Races and locks",
    zh: "竞态与锁",
    exercises: [
      {
        name: "threads/natural_race",
        en: "A race that nobody has arranged: how many updates are lost",
        zh: "没有人安排的竞态：丢了多少次更新",
        forms: { "": 0 },
      },
      {
        name: "threads/bank",
        en: "Several clerks, one account: money is lost without a lock",
        zh: "几个柜员同记一个账户：不加锁就会丢钱",
        forms: { "--no-lock": 1, "": 0 },
      },
      {
        name: "processes/bank",
        en: "The same with processes: the balance is in shared memory",
        zh: "换成进程：余额放在共享内存里",
        forms: { "--no-lock": 1, "": 0 },
      },
      {
        name: "tickets",
        en: "Ten people want one ticket; one may die with the lock in hand",
        zh: "十个人抢一张票；有人可能拿着锁死去",
        forms: { "--no-lock": 1, "": 0, "--kill": 0, "--workers threads": 0 },
      },
      {
        name: "printer",
        en: "Several jobs on one printer: pages mixed, or job after job",
        zh: "几个任务争一台打印机：页面混在一起，还是一份接一份",
        forms: { "--no-lock": 1, "": 0, "--workers threads": 0 },
      },
      {
        name: "threads/counters",
        en: "An election: threads count votes, in three ways",
        zh: "选举计票：线程用三种办法来数",
        forms: { "--way none": 1, "": 0, "--way add": 0 },
      },
      {
        name: "processes/counters",
        en: "An election: processes count votes, in three ways",
        zh: "选举计票：进程用三种办法来数",
        forms: { "--way none": 1, "": 0, "--way add": 0 },
      },
      {
        name: "threads/lock_and_join",
        en: "A hundred threads take 1 each: with a lock, join(), or neither",
        zh: "一百个线程各减 1：加锁、用 join()、什么都不用",
        forms: { "--form race --threads 10": 1, "--threads 10": 0 },
      },
      {
        name: "threads/recursion",
        en: "A function that takes a lock and calls itself: RLock",
        zh: "拿着锁调用自己的函数：递归锁 RLock",
        forms: { "--lock plain": 1, "": 0 },
      },
      {
        name: "threads/semaphore",
        en: "A car park with three places: a semaphore of threads",
        zh: "三个车位的停车场：线程的信号量",
        forms: { "--no-semaphore": 1, "": 0 },
      },
      {
        name: "processes/semaphore",
        en: "A car park with three places: a semaphore of processes",
        zh: "三个车位的停车场：进程的信号量",
        forms: { "--no-semaphore": 1, "": 0 },
      },
      {
        name: "threads/timer",
        en: "Tea in a while, unless it is cancelled: Timer",
        zh: "过一会儿茶就好，除非取消：定时器 Timer",
        forms: { "": 0, "--cancel": 0 },
      },
      {
        name: "threads/traffic_light",
        en: "Cars wait for green: an event of threads",
        zh: "汽车等绿灯：线程的事件 Event",
        forms: { "--no-wait": 1, "": 0 },
      },
      {
        name: "processes/traffic_light",
        en: "Cars wait for green: an event of processes",
        zh: "汽车等绿灯：进程的事件 Event",
        forms: { "--no-wait": 1, "": 0 },
      },
      {
        name: "threads/ordered",
        en: "A, B, C, A, B, C: each thread opens the next one's lock",
        zh: "A、B、C、A、B、C：每个线程打开下一个的锁",
        forms: { "--no-locks": 1, "": 0 },
      },
      {
        name: "threads/ping_pong",
        en: "Ping-pong in strict turn: a condition between threads",
        zh: "一来一回打乒乓球：线程的条件变量",
        forms: { "--no-condition": 1, "": 0 },
      },
      {
        name: "processes/ping_pong",
        en: "Ping-pong in strict turn: a condition between processes",
        zh: "一来一回打乒乓球：进程的条件变量",
        forms: { "--no-condition": 1, "": 0 },
      },
      {
        name: "threads/race_start",
        en: "Nobody runs before everybody is at the line: Barrier",
        zh: "人到齐了才起跑：栅栏 Barrier",
        forms: { "": 0, "--no-show": 0 },
      },
    ],
  },
  {
    en: "Deadlock",
    zh: "死锁",
    exercises: [
      {
        name: "threads/deadlock",
        en: "Two accounts, two locks: a deadlock, and three ways out",
        zh: "两个账户、两把锁：死锁，以及三条出路",
        forms: { "--way none": 1, "--way timeout": 0, "--way order": 0, "--way detect": 0 },
      },
      {
        name: "processes/deadlock",
        en: "The same with processes",
        zh: "换成进程",
        forms: { "--way none": 1, "--way timeout": 0, "--way order": 0, "--way detect": 0 },
      },
      {
        name: "threads/banker",
        en: "The banker lends so that all can finish; without it: a deadlock",
        zh: "银行家只借能还清的；没有银行家：死锁",
        forms: { "--no-banker": 1, "": 0 },
      },
    ],
  },
  {
    en: "Between processes",
    zh: "进程间通信",
    exercises: [
      {
        name: "processes/pipe",
        en: "Pipes: two ways, one way, and how they end",
        zh: "管道：双向、单向，以及怎样结束",
        forms: { "--form forgotten": 1, "--form wrongend": 1, "": 0 },
      },
      {
        name: "threads/pipe",
        en: "Pipes between threads, and data that moves",
        zh: "线程间的管道，以及直接移交的数据",
        forms: { "--form wrongend": 1, "": 0 },
      },
      {
        name: "processes/writer_reader",
        en: "A writer that is ahead of its reader: a queue",
        zh: "写的比读的快：队列",
        forms: { "": 0 },
      },
      {
        name: "processes/queue_limits",
        en: "A queue that is full, or empty, and a loop that should not ask",
        zh: "满的队列、空的队列，以及不该去问的循环",
        forms: { "--part early": 1, "--part stuck": 1, "--part right": 0, "--part limit": 0 },
      },
      {
        name: "processes/manager",
        en: "A stock that clerks keep in a Manager",
        zh: "几个店员共管一份库存：Manager",
        forms: { "--form unsafe": 1, "": 0, "--form lock": 0 },
      },
      {
        name: "processes/ways",
        en: "A file, a pipe, a queue, shared memory: measured on the spot",
        zh: "文件、管道、队列、共享内存：当场测速",
        forms: { "": 0 },
      },
      {
        name: "threads/broadcast",
        en: "An announcement to all: Broadcast",
        zh: "向所有线程广播：Broadcast",
        forms: { "": 0 },
      },
      {
        name: "processes/multiplex",
        en: "One reader of many pipes, or a thread for each",
        zh: "一个线程读很多管道，还是一管道一线程",
        forms: { "": 0 },
      },
    ],
  },
  {
    en: "Producers and consumers",
    zh: "生产者与消费者",
    exercises: [
      {
        name: "threads/producer_consumer",
        en: "How do consumers learn that it is over? Six ways, two wrong",
        zh: "消费者怎么知道结束了？六种办法，两种是错的",
        forms: {
          "--form none": 1,
          "--form early": 1,
          "--form sentinel": 0,
          "--form sentinels": 0,
          "--form joinable": 0,
          "--form shutdown": 0,
        },
      },
      {
        name: "processes/producer_consumer",
        en: "The same with processes: six ways, two wrong",
        zh: "换成进程：六种办法，两种是错的",
        forms: {
          "--form none": 1,
          "--form early": 1,
          "--form sentinel": 0,
          "--form sentinels": 0,
          "--form joinable": 0,
          "--form shutdown": 0,
        },
      },
      {
        name: "crawler",
        en: "A crawler in stages: bounded queues, a log, a worker that dies",
        zh: "分级流水线的爬虫：有上限的队列、日志、会死的线程",
        forms: { "--crash --no-replace": 1, "": 0, "--crash": 0 },
      },
      {
        name: "network_queue",
        en: "A queue between machines: a consumer vanishes with its item",
        zh: "机器之间的队列：消费者拿着东西消失了",
        forms: { "--die --way get": 1, "": 0, "--die": 0 },
      },
      {
        name: "network_tasks",
        en: "Calls of a function on other machines: a worker dies at one",
        zh: "在别的机器上调用函数：有一个干活的死了",
        forms: { "--die 1 --retries 0": 1, "": 0, "--die 1": 0 },
      },
    ],
  },
  {
    en: "Signals",
    zh: "信号",
    exercises: [
      {
        name: "processes/signals",
        en: "An alarm, signals ignored and handled, and a rally of two",
        zh: "闹钟、忽略的信号、处理的信号，以及一来一回",
        forms: { "": 0 },
      },
      {
        name: "driver_conductor",
        en: "A driver and a conductor, who talk by signals",
        zh: "司机和售票员，用信号说话",
        forms: { "--auto": 0 },
        byHand: "",
      },
    ],
  },
  {
    en: "Pools and futures",
    zh: "进程池、线程池与 Future",
    exercises: [
      {
        name: "threads/blocking",
        en: "Synchronous or not, blocking or not: two different questions",
        zh: "同步与异步、阻塞与非阻塞：这是两个问题",
        forms: { "": 0 },
      },
      {
        name: "processes/pool",
        en: "A pool of processes: apply, map, imap and their kin",
        zh: "进程池：apply、map、imap 等等",
        forms: { "": 0 },
      },
      {
        name: "processes/pool_queue",
        en: "A pool and a queue together: three ways to hand it over",
        zh: "进程池加队列：三种传递办法",
        forms: { "": 0 },
      },
      {
        name: "threads/as_completed",
        en: "Futures: couriers deliver, and we are told as they come",
        zh: "Future：快递员送货，到一个报一个",
        forms: { "": 0 },
      },
      {
        name: "threads/progress",
        en: "A pool that draws a picture, with a progress bar",
        zh: "线程池画图，带进度条",
        forms: { "--depth 100000": 0 },
      },
      {
        name: "processes/cancel",
        en: "A task that is no longer wanted: queued, running, deaf",
        zh: "不再需要的任务：排队的、运行的、不听话的",
        forms: { "": 0 },
      },
      {
        name: "threads/crash",
        en: "A thread that fails: what goes with it, and what does not",
        zh: "线程出了事：会带走什么，不会带走什么",
        forms: { "": 0 },
      },
      {
        name: "processes/crash",
        en: "A worker that dies in the middle of a task",
        zh: "任务做到一半，工作进程死了",
        forms: { "": 0 },
      },
      {
        name: "processes/pool_close",
        en: "Who did what; close(), join(), and a task that comes too late",
        zh: "谁做了哪件；close()、join()，以及来晚的任务",
        forms: { "": 0 },
      },
    ],
  },
  {
    en: "Other programs: subprocess",
    zh: "运行别的程序：subprocess",
    exercises: [
      {
        name: "processes/subprocess_run",
        en: "Exit codes, output, input, and who reads the arguments",
        zh: "退出码、输出、输入，以及谁来读参数",
        forms: { "--form shell": 1, "": 0 },
      },
      {
        name: "processes/dialogue",
        en: "A dialogue through two pipes, and how it gets stuck",
        zh: "通过两条管道对话，以及怎样会卡住",
        forms: { "--form stuck": 1, "": 0 },
      },
      {
        name: "processes/pipeline",
        en: "Programs in a row: a | b | c",
        zh: "程序排成一行：a | b | c",
        forms: { "": 0 },
      },
      {
        name: "processes/timeout",
        en: "Programs that take too long, and who goes when one is killed",
        zh: "程序超时了，杀掉它时还有谁跟着走",
        forms: { "--form alone": 1, "": 0 },
      },
    ],
  },
  {
    en: "Work that computes and work that waits",
    zh: "CPU 密集与 IO 密集",
    exercises: [
      {
        name: "processes/cpu_and_io",
        en: "Serial, threads, processes: measured, with CPython beside them",
        zh: "串行、线程、进程：当场测量，与 CPython 对照",
        forms: { "--tasks 4": 0 },
      },
      {
        name: "downloads",
        en: "Files from a server and the disk: serial, threads, pool, await",
        zh: "从服务器下载、读写磁盘：串行、线程、线程池、await",
        forms: { "": 0 },
      },
    ],
  },
  {
    en: "All exercises with their answers: main.ts --all",
    zh: "全部练习与答案：main.ts --all",
    exercises: [],
  },
];

/** An exercise, its number in the menu, and its chapter. */
export interface Entry {
  number: number;
  chapter: number;
  exercise: Exercise;
}

/** All exercises, with their numbers from 1. */
export const ENTRIES: Entry[] = COURSE
  .flatMap(({ exercises }, chapter) => exercises.map((exercise) => ({ chapter, exercise })))
  .map((entry, k) => ({ ...entry, number: k + 1 }));

/** The exercises that a name means: its whole path, or the end of it. */
export function entriesNamed(name: string): Entry[] {
  const wanted = name.replace(/^(\.\/)?(examples\/)?/, "").replace(/\.ts$/, "");
  const exact = ENTRIES.filter(({ exercise }) => exercise.name === wanted);
  if (exact.length > 0) return exact;
  return ENTRIES.filter(({ exercise }) => exercise.name.endsWith(`/${wanted}`));
}
