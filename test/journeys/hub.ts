import { filled, type Guide } from './guide.js'
import type { Terminal } from './terminal.js'
import type { Traveller } from './traveller.js'

const funds = { tokens: '4000', coin: '10' }

/** The README's hub: from the package to a hub that serves. @returns its address, and the terminal in which it runs. */
export async function readmeHub(who: Traveller, readme: Guide): Promise<{ address: string; run: Terminal }> {
  await who.install(readme, 'pontage-hub')
  const [init = '', ...rest] = readme.block('hub')
  const address = await who.init(init, funds)
  for (const line of rest.slice(0, -1)) await who.type(line)
  const run = who.begin(rest.at(-1) ?? '')
  await run.shows(/listening/)
  return { address, run }
}

/** docs/operations.md: getting started, the daily work, a service, and the end of a hub. */
export async function operateHub(who: Traveller, readme: Guide, guide: Guide): Promise<void> {
  await who.install(readme, 'pontage-hub')
  const network = readme.block('hub')[0]?.replace(/^.* init /, ' ') ?? ''
  await who.init(guide.command('pontage-hub init') + network, funds)
  for (const command of ['pontage-hub register --stake 1000', 'pontage-hub pool fund', 'pontage-hub doctor'])
    await who.type(guide.command(command))
  const run = who.begin(guide.command('pontage-hub run'))
  await run.shows(/listening/)
  const daily = [
    ...[
      'status',
      'channels',
      'channels --urgent',
      'channels --limit NUMBER',
      'providers',
      'providers --limit NUMBER',
    ],
    ...['draw --limit NUMBER', 'draw', 'draw --now', 'doctor --thorough'],
    ...['block IDENTITY', 'block', 'unblock IDENTITY', 'fee', 'fee announce'],
    ...['pool fund AMOUNT', 'pool withdraw AMOUNT', 'pool cancel'],
    ...['stake add AMOUNT', 'stake unbond AMOUNT', 'stake cancel'],
    ...['ledger backup FILE', 'register --stake 0'],
  ]
  for (const command of daily) await who.type(`pontage-hub ${guide.command(command)}`)
  for (const way of guide.ways('earnings')) await who.type(`pontage-hub ${way}`)
  await who.type(guide.command('pontage-hub config'))
  await who.type(guide.command('pontage-hub nonce'))
  await who.type(guide.command('pontage-hub wind-down'))
  await who.type(`pontage-hub ${guide.command('wind-down --cancel')}`)
  await who.interrupt(run)
  who.values.FILE = 'exported'
  await who.type(guide.command('pontage-hub ledger export FILE'))
  await serve(who, guide)
  await who.remove(readme, 'pontage-hub')
}

/** The hub as a service, with a key of its own. */
async function serve(who: Traveller, guide: Guide): Promise<void> {
  await who.keepServicePassword('/etc/pontage/hub-password')
  const [init = '', ...rest] = guide.block('service')
  await who.init(init, funds)
  for (const line of rest) await who.type(line)
  await who.type(guide.command('sudo -u pontage-hub pontage-hub status'))
  await who.type(filled(`sudo ${guide.command('systemctl stop')} pontage-hub`, {}))
}
