import { focused } from '../support/chromium';
import {
  button,
  hostileProject,
  inDialog,
  link,
  look,
  postOrder,
  title,
  useDashboard,
} from '../support/dashboard';
import { eventually } from '../support/eventually';

const { receiver, stack, open } = useDashboard();

/** So many that at the least rate there is time for all that is done to their replay. */
const COUNT = 12;

it('counts what a replay would send, starts it, and pauses, resumes and cancels it', async () => {
  const { client: owner, webhookId } = await hostileProject(stack, receiver.url);
  await owner.patch(`/v1/webhooks/${webhookId}`, { isActive: false });
  for (let count = 0; count < COUNT; count += 1) {
    await postOrder(owner);
  }
  await eventually('they are skipped', async () => {
    const { body } = await owner.get('/v1/deliveries?status=skipped');
    return body.data.deliveries.length === COUNT;
  });
  await owner.patch(`/v1/webhooks/${webhookId}`, { isActive: true });
  const page = await open(owner.key, 'Replays');
  await page.getByText('No replays yet').waitFor();
  await link(page, 'New replay').first().click();
  await page.getByLabel('Deliveries per second').fill('many');
  await button(page, 'Count deliveries').click();
  await page.getByText('Enter a number.').waitFor();
  await page.getByLabel('Deliveries per second').fill('0.1');
  await page.getByLabel('Until').fill('2099-01-01T00:00:00');
  await button(page, 'Count deliveries').click();
  await page.getByText(`${COUNT} deliveries. It takes about`).waitFor();
  await look(page, 'replay-new');
  await button(page, `Send ${COUNT} deliveries again`).click();
  await title(page, 'Replay').waitFor();
  await button(page, 'Pause').click();
  await button(page, 'Resume').waitFor();
  await look(page, 'replay');
  await button(page, 'Resume').click();
  await button(page, 'Pause').waitFor();
  await button(page, 'Cancel replay').click();
  await inDialog(page, 'Cancel replay').click();
  await page.getByText('Cancelled', { exact: true }).waitFor();
  await button(page, 'Cancel replay').waitFor({ state: 'detached' });
  await focused(page.getByRole('heading', { level: 1, name: 'Replay' })).waitFor();
  await link(page, 'Replays').first().click();
  await page.getByRole('row', { name: /Cancelled/ }).waitFor();
  await look(page, 'replays');
});
