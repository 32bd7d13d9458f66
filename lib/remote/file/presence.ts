/**
 * Who uses the file, and who has died: for each open connection there is a small file in the folder
 * `PATH-users`, locked for as long as the connection is open. The system lets go of the lock when
 * the process ends, however it ends, or the thread. So whoever can lock it knows that its owner is
 * gone. No time is guessed; a process that hangs, or is stopped, is alive. And it takes no
 * permission to look at processes.
 *
 * @module
 */
import { openFault } from "./database.ts";

const PRIVATE_FOLDER = 0o700;
const PRIVATE = 0o600;
/** What a token looks like: it is read from the file, and becomes a part of a path. */
const TOKEN = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** That a connection is open. */
export class Presence {
  /** The name of its file. */
  readonly token: string;
  readonly #folder: string;
  readonly #file: Deno.FsFile;

  /**
   * Makes it known.
   *
   * @param path The path of the database.
   * @throws {FileFault} The folder cannot be made or written.
   */
  constructor(path: string) {
    this.token = crypto.randomUUID();
    try {
      // Whichever name the file is opened by, all of its users meet in one folder.
      this.#folder = `${Deno.realPathSync(path)}-users`;
      this.#file = enter(this.#folder, this.token);
    } catch (error) {
      throw openFault(path, error);
    }
  }

  /** The names of the files of all who use it, or have. */
  tokens(): string[] {
    return [...Deno.readDirSync(this.#folder)].map(({ name }) => name);
  }

  /** True if the owner of that token is gone. What is left of it is removed. */
  isGone(token: string): boolean {
    if (token === this.token) return false;
    if (!TOKEN.test(token)) return true;
    const path = `${this.#folder}/${token}`;
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, write: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      throw error;
    }
    try {
      if (!file.tryLockSync(true)) return false;
      remove(path);
      return true;
    } finally {
      file.close();
    }
  }

  /** It is open no more. */
  end(): void {
    remove(`${this.#folder}/${this.token}`);
    this.#file.close();
    // As long as others are there it cannot be removed.
    remove(this.#folder);
  }
}

/** Makes a file and locks it. */
function enter(folder: string, token: string): Deno.FsFile {
  const path = `${folder}/${token}`;
  for (let attempt = 1;; attempt++) {
    makePrivate(folder);
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { write: true, create: true, mode: PRIVATE });
    } catch (error) {
      // The last of the others has just removed the folder.
      if (error instanceof Deno.errors.NotFound && attempt < 100) continue;
      throw error;
    }
    // Somebody who tidies up may have taken it for a dead one's before it was locked.
    if (file.tryLockSync(true) && isThere(path, file)) return file;
    file.close();
    if (attempt === 100) throw new Error(`the files in ${folder} are removed by somebody`);
  }
}

/** Makes a folder, if it is not there: a private one, as who can remove files there ends leases. */
function makePrivate(folder: string): void {
  try {
    return Deno.mkdirSync(folder, { mode: PRIVATE_FOLDER });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  try {
    const { isDirectory, mode } = Deno.lstatSync(folder);
    if (isDirectory && ((mode ?? 0) & 0o077) === 0) return;
  } catch (error) {
    // Removed meanwhile: the caller finds that out.
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new Error(`${folder} is not a folder of mode 0700; remove it, or name another file`);
}

function isThere(path: string, file: Deno.FsFile): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch {
    return false;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is not there, or more is in it.
  }
}
