/** A task that waits for a process. */
export interface Waiting {
  owner: string;
  bytes: number;
}

/** The waiting tasks; projects take turns, however many tasks one of them has. */
export class Line<T extends Waiting> {
  /** In order of their turns. */
  private readonly owners = new Map<string, { tasks: T[]; bytes: number }>();

  /** A project's waiting bytes and tasks. */
  of(owner: string): { tasks: number; bytes: number } {
    const line = this.owners.get(owner);
    return { tasks: line?.tasks.length ?? 0, bytes: line?.bytes ?? 0 };
  }

  add(task: T): void {
    const line = this.owners.get(task.owner) ?? { tasks: [], bytes: 0 };
    line.tasks.push(task);
    line.bytes += task.bytes;
    this.owners.set(task.owner, line);
  }

  /** The next task of the first project that may have a process; the project then goes to the end. */
  take(mayGo: (owner: string) => boolean): T | undefined {
    for (const [owner, line] of this.owners) {
      if (!mayGo(owner)) continue;
      const task = line.tasks.shift()!;
      line.bytes -= task.bytes;
      this.owners.delete(owner);
      if (line.tasks.length > 0) this.owners.set(owner, line);
      return task;
    }
    return undefined;
  }
}
