/** Limits concurrent work for each project; the rest waits for its turn. */
export class Turns {
  /** By project: the number in progress, and the callbacks of those that wait. */
  private readonly byProject = new Map<string, { working: number; waiting: (() => void)[] }>();

  constructor(private readonly atATime: number) {}

  /** @returns a function that ends the turn */
  async take(projectId: string): Promise<() => void> {
    const turns = this.byProject.get(projectId) ?? { working: 0, waiting: [] };
    this.byProject.set(projectId, turns);
    if (turns.working < this.atATime) turns.working += 1;
    else await new Promise<void>((begin) => turns.waiting.push(begin));
    return () => {
      const next = turns.waiting.shift();
      if (next) {
        next();
        return;
      }
      turns.working -= 1;
      if (turns.working === 0) this.byProject.delete(projectId);
    };
  }
}

/** Limits concurrent work for each project; the rest is refused. */
export class Places {
  private readonly taken = new Map<string, number>();

  constructor(private readonly atATime: number) {}

  /** @returns a function that frees the place; null: none is free */
  take(owner: string): (() => void) | null {
    const taken = this.taken.get(owner) ?? 0;
    if (taken >= this.atATime) return null;
    this.taken.set(owner, taken + 1);
    return () => {
      const left = this.taken.get(owner)! - 1;
      if (left > 0) this.taken.set(owner, left);
      else this.taken.delete(owner);
    };
  }
}
