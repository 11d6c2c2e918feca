import type { Stack } from './stack';

/** Requests a project's deletion, and interrupts it after the first step: the project is treated as gone. */
export async function deleteCutOff({ store, admin }: Stack, reference: string): Promise<void> {
  const spy = jest.spyOn(store.events.model, 'deleteMany');
  spy.mockRejectedValueOnce(new Error('died'));
  expect((await admin.delete(`/v1/projects/${reference}`)).status).toBe(500);
  spy.mockRestore();
}
