import type { Guide } from './guide.js'
import type { Traveller } from './traveller.js'

/** The README's consumer: connects and pays, uses what is named for every day, and leaves with the rest of the money. */
export async function readmeConsumer(who: Traveller, readme: Guide): Promise<void> {
  await who.install(readme, 'pontage')
  const [init = '', ...rest] = readme.block('consumer')
  const close = rest.pop() ?? ''
  await who.init(init, { tokens: '20' })
  for (const line of rest) await (/ connect\b/.test(line) ? browse(who, line) : who.type(line))
  const disconnect = readme.command('sudo pontage disconnect')
  for (const command of ['status', 'history', 'account', 'doctor', 'stake', 'config'])
    await who.type(`pontage ${readme.command(command)}`)
  await who.type(readme.command('pontage alias office 2'))
  for (const command of ['connect 2', 'connect DE'])
    await browse(who, `sudo pontage ${readme.command(command)}`)
  await who.keepPassword('word')
  await who.type(`sudo pontage ${readme.command('connect --background')} --password-file word`)
  await readPage(who, undefined)
  await who.type(disconnect)
  await readPage(who, who.machine.host.address)
  // Without root it takes more than this machine has.
  const inside = await who.type(`sudo ${readme.command('pontage exec')}`)
  if (!/\d+\.\d+\.\d+\.\d+/.test(inside)) throw new Error(`exec showed no page:\n${inside}`)
  await who.type(readme.command('sudo pontage lockdown off'))
  await who.type(readme.command('sudo pontage unlock'))
  await who.type(`pontage ${readme.command('channel top-up')} --amount 1`)
  await who.type(close)
  await who.remove(readme, 'pontage')
}

/** docs/service.md: root sets the service up, and the user connects without any rights. */
export async function member(who: Traveller, readme: Guide, guide: Guide): Promise<void> {
  await who.install(readme, 'pontage')
  await who.keepServicePassword('/etc/pontage/consumer-password')
  const [init = '', ...rest] = guide.block('service')
  await who.init(init, { tokens: '20' })
  for (const line of rest) await who.type(line)
  const [connect = '', status = '', disconnect = ''] = guide.block('member')
  await who.type(connect)
  await readPage(who, undefined)
  await who.type(status)
  await who.type(disconnect)
  await readPage(who, who.machine.host.address)
  await who.type(`sudo ${guide.command('systemctl stop pontage-members')}`)
  await who.remove(readme, 'pontage')
}

/** Connects, reads a page through the tunnel, and presses Ctrl-C. */
async function browse(who: Traveller, connect: string): Promise<void> {
  const connection = who.begin(connect)
  await connection.shows(/Connected to/, 90_000)
  await readPage(who, undefined)
  await who.interrupt(connection)
}

/** @param from - Where the server has to see the reader; left out: anywhere but at the reader's own address. */
async function readPage(who: Traveller, from: string | undefined): Promise<void> {
  const seen = (await who.type('firefox')).trim()
  if (from === undefined ? seen.includes(who.machine.host.address) : !seen.includes(from))
    throw new Error(`The server saw ${seen}, and not ${from ?? 'a provider'}.`)
}
