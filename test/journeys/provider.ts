import type { Guide } from './guide.js'
import type { Terminal } from './terminal.js'
import type { Traveller } from './traveller.js'

const funds = { tokens: '200', coin: '10' }

/** The README's provider. @returns its address, and the terminal in which it runs. */
export async function readmeProvider(
  who: Traveller,
  readme: Guide,
): Promise<{ address: string; run: Terminal }> {
  await who.install(readme, 'pontage-provider')
  const [init = '', ...rest] = readme.block('provider')
  const address = await who.init(init, funds)
  who.values['0xYOU'] = address
  for (const line of rest.slice(0, -1)) await who.type(line)
  const run = who.begin(rest.at(-1) ?? '')
  await run.shows(/listening/)
  return { address, run }
}

/** docs/provider.md, as far as a provider that serves. @returns the terminal in which it runs. */
export async function guidedProvider(who: Traveller, readme: Guide, guide: Guide): Promise<Terminal> {
  await who.install(readme, 'pontage-provider')
  const init = guide.command('pontage-provider init --network')
  const address = await who.init(init, funds)
  who.values.ADDRESS = address
  await who.type(guide.command('pontage-provider register --stake'))
  const run = who.begin(`sudo ${guide.command('pontage-provider run')}`)
  await run.shows(/listening/)
  return run
}

/** docs/provider.md and docs/earning.md: what can be seen and changed, and retirement. */
export async function keepProvider(
  who: Traveller,
  run: Terminal,
  readme: Guide,
  guide: Guide,
  earning: Guide,
): Promise<void> {
  await who.type(`sudo ${guide.command('pontage-provider doctor')}`)
  await who.type(guide.command('pontage-provider config'))
  for (const command of ['status', 'sessions', 'limit --total 50Mbit --session 10Mbit'])
    await who.type(`sudo pontage-provider ${guide.command(command)}`)
  for (const command of ['redeem --now', 'earnings', 'status --json', 'price', 'offer', 'stake'])
    for (const way of earning.ways(command)) await who.type(`sudo pontage-provider ${way}`)
  for (const command of ['stake add AMOUNT', 'stake unbond AMOUNT', 'stake cancel'])
    await who.type(`sudo pontage-provider ${earning.command(command)}`)
  const retiring = who.begin(`sudo pontage-provider ${guide.command('retire')}`)
  await who.end(run)
  await who.end(retiring)
  await who.type(`sudo pontage-provider ${earning.command('retire --cancel')}`)
  await who.type(`sudo ${guide.command('pontage-provider down')}`)
  await who.remove(readme, 'pontage-provider')
}
