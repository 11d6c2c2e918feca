import { RoleProcess } from './processes';
import { Receiver } from './receiver';
import { Stack, testEnvironment } from './stack';

/** What a case has of its own, so that several wait beside each other: its workers are processes. */
export interface Own {
  stack: Stack;
  receiver: Receiver;
  /** @param dieAt as for `RoleProcess.start` */
  startWorker: (dieAt?: string | null) => Promise<RoleProcess>;
}

/** Runs `work` on a new one, and always ends it. */
export async function withOwnWorkers(work: (own: Own) => Promise<void>): Promise<void> {
  const environment = testEnvironment();
  const [stack, receiver] = await Promise.all([
    Stack.start(environment, { worker: false }),
    Receiver.start(),
  ]);
  const started: RoleProcess[] = [];
  const startWorker = async (dieAt?: string | null): Promise<RoleProcess> => {
    const worker = RoleProcess.start('worker', environment, dieAt);
    started.push(worker);
    await worker.logged('RUNNING');
    return worker;
  };
  try {
    await work({ stack, receiver, startWorker });
  } finally {
    await Promise.all(started.map((worker) => worker.end('SIGKILL')));
    await Promise.all([stack.stop(), receiver.close()]);
  }
}
