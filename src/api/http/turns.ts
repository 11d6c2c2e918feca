/** Lets so much be worked at for each project at a time; what comes beyond waits for its turn. */
export class Turns {
  /** By project: how much is worked at, and what is told when it may begin. */
  private readonly byProject = new Map<string, { working: number; waiting: (() => void)[] }>();

  constructor(private readonly atATime: number) {}

  /** @returns ends the turn */
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
