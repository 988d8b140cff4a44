import type { Guide } from './guide.js'
import type { Traveller } from './traveller.js'

/** The README's consumer: connects and pays, uses what is named for every day, and leaves with the rest of the money. */
export async function readmeConsumer(who: Traveller, readme: Guide, exit: string): Promise<void> {
  await who.install(readme, 'pontage')
  const [init = '', providers = '', open = '', connect = '', disconnect = '', close = ''] =
    readme.block('consumer')
  await who.init(init, { tokens: '20' })
  await who.type(providers)
  await who.type(open)
  await browse(who, connect, exit)
  await who.type(disconnect)
  for (const command of ['status', 'history', 'account', 'doctor', 'stake'])
    await who.type(`pontage ${readme.command(command)}`)
  await who.type(readme.command('pontage alias office'))
  for (const command of ['connect 2', 'connect DE'])
    await browse(who, `sudo pontage ${readme.command(command)}`, undefined)
  const inside = await who.type(readme.command('sudo pontage exec -- firefox'))
  if (!/\d+\.\d+\.\d+\.\d+/.test(inside)) throw new Error(`exec showed no page:\n${inside}`)
  await who.type(`pontage ${readme.command('channel top-up')}`)
  await who.type(close)
  await who.remove(readme, 'pontage')
}

/** Connects, reads a page through the tunnel, and presses Ctrl-C. */
async function browse(who: Traveller, connect: string, exit: string | undefined): Promise<void> {
  const connection = who.begin(connect)
  await connection.shows(/Connected to/, 90_000)
  const page = await who.type('firefox')
  if (exit !== undefined && !page.includes(exit))
    throw new Error(`The page came to ${page.trim()}, and not to the provider at ${exit}.`)
  await who.interrupt(connection)
}
