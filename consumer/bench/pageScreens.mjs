import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  createMarket,
  eventually,
  openBrowser,
  openHub,
  openProvider,
  repository,
  seatConsumer,
} from '../../test/dist/world/index.js'

// Every page of the programs, in light and dark, narrow and wide, in docs/screens: npm run -s screens:pages -w consumer

const folder = join(repository, 'docs', 'screens')
mkdirSync(folder, { recursive: true })
const market = await createMarket()
try {
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = (price, country) => ({
    ...{ price, country, hubs: [hub.address], beneficiary: market.deployer, megabits: 12 },
  })
  const provider = await openProvider(market, 'provider', offer('0.05/GB', 'DE'))
  for (const [name, price, country] of [
    ['second', '0.06/GB', 'NL'],
    ['third', '0.07/GB', 'IS'],
  ])
    await openProvider(market, name, offer(price, country))
  const consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  const password = (person) => ['--password-file', join(person.host.home, 'password')]
  // A session of yesterday's kind, for the history.
  await consumer.run('connect', '--background', ...password(consumer))
  await download(2_000_000)
  await consumer.run('disconnect')

  const served = await pagesOf(consumer, password(consumer))
  await keepAll(served, 'consumer-open', ['Now'])
  await consumer.run('connect', '--background', '--cap', '400MB', '--budget', '1', ...password(consumer))
  void download(390_000_000).catch(() => undefined)
  await eventually(
    'much has flowed',
    async () => (await consumer.json('status')).downBytes > 25_000_000,
    120_000,
  )
  const owner = await pagesOf(provider, password(provider))
  await keepAll(served, 'consumer', ['Now', 'Providers', 'Channels', 'History', 'Settings', 'Doctor'])
  await keepAll(owner, 'provider', ['Now', 'Sessions', 'Earnings', 'Offer', 'Settings', 'Doctor', 'Retire'])
  await Promise.all([served.close(), owner.close()])

  async function download(bytes) {
    await consumer.host.run(['curl', '-s', '-m', '400', '-o', '/dev/null', market.internet.fileUrl(bytes)])
  }
} finally {
  await market.destroy()
}

/** A browser at somebody's pages. */
async function pagesOf(person, flags) {
  const program = person.start(['ui', '--no-open', ...flags])
  const [, link] = await program.line(/Open this once.*(http:\S+)/)
  const browser = await openBrowser(person.host)
  const page = await browser.newPage()
  await page.goto(link)
  return { page, close: () => browser.close() }
}

async function keepAll({ page }, name, tabs) {
  for (const tab of tabs)
    for (const colorScheme of ['light', 'dark'])
      for (const width of [390, 1_280]) {
        await page.setViewportSize({ width, height: width === 390 ? 844 : 800 })
        await page.emulateMedia({ colorScheme })
        await page.getByRole('link', { name: tab, exact: true }).click()
        await page.locator('.waiting').first().waitFor({ state: 'detached', timeout: 60_000 })
        const file = `${name}-${tab.toLowerCase()}-${colorScheme}-${width}.png`
        await page.screenshot({ path: join(folder, file), fullPage: true })
        process.stdout.write(`${file}\n`)
      }
}
