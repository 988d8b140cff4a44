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
  stockPhone,
} from '../../test/dist/world/index.js'

// Every page of the programs, in light and dark, narrow and wide, in docs/screens: npm run -s screens:pages -w consumer
// With "consumer", "provider" or "hub" behind it, those alone.

const folder = join(repository, 'docs', 'screens')
mkdirSync(folder, { recursive: true })
const chosen = process.argv.slice(2)
const isWanted = (program) => chosen.length === 0 || chosen.includes(program)
const market = await createMarket()
/** Ends what still flows once all pictures are taken. */
const taken = new AbortController()
try {
  const hub = await openHub(market, 'hub', {
    ...{ pool: '100', drawAbove: '1000', flags: ['--liabilities-every', '60'] },
  })
  const offer = (price, country) => ({
    ...{ price, country, hubs: [hub.address], beneficiary: market.deployer, megabits: 12, clearEvery: 2 },
  })
  const provider = await openProvider(market, 'provider', offer('0.05/GB', 'DE'))
  const second = await openProvider(market, 'second', offer('0.06/GB', 'NL'))
  const third = await openProvider(market, 'third', offer('0.07/GB', 'IS'))
  const consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  const password = (person) => ['--password-file', join(person.host.home, 'password')]
  // A session of yesterday's kind, for the history.
  await consumer.run('connect', '--background', ...password(consumer))
  await download(2_000_000)
  await consumer.run('disconnect')

  const served = await pagesOf(consumer, password(consumer))
  if (isWanted('consumer')) await keepAll(served, 'consumer-open', ['Now'])
  await consumer.run('connect', '--background', '--cap', '400MB', '--budget', '1', ...password(consumer))
  void download(390_000_000).catch(() => undefined)
  await eventually(
    'much has flowed',
    async () => (await consumer.json('status')).downBytes > 25_000_000,
    120_000,
  )
  const owner = await pagesOf(provider, password(provider))
  if (isWanted('consumer'))
    await keepAll(served, 'consumer', ['Now', 'Providers', 'Channels', 'History', 'Settings', 'Doctor'])
  if (isWanted('provider'))
    await keepAll(owner, 'provider', ['Now', 'Sessions', 'Earnings', 'Offer', 'Settings', 'Doctor', 'Retire'])
  await Promise.all([served.close(), owner.close()])
  if (isWanted('consumer')) await keepLending()
  if (isWanted('hub')) await keepHub()

  /** A tunnel that is lent to a phone, which uses it, and the code for its camera. */
  async function keepLending() {
    const lender = await seatConsumer(market, 'lender', '10')
    await lender.run('channel', 'open', '--hub', hub.address, '--amount', '5')
    const limits = ['--budget', '1/day', '--cap', '1GB/day']
    await lender.run('lend', 'NL', '--background', '--name', 'phone', ...limits, ...password(lender))
    const { configuration } = await lender.json('lend', 'show', 'phone')
    const phone = stockPhone(await market.world.addHost('phone'))
    await phone.up(configuration)
    await phone.fetch(market.internet.fileUrl(9_000_000), 60)
    const { page, close } = await pagesOf(lender, password(lender))
    await page.getByRole('link', { name: 'Lend', exact: true }).click()
    await page.getByRole('button', { name: 'Show the code', exact: true }).click()
    await page.locator('.code').waitFor()
    await keepAll({ page }, 'consumer', ['Lend'])
    await close()
  }

  /** The operator's pages while somebody leaves, and those on the hub's own port. */
  async function keepHub() {
    const guest = await seatConsumer(market, 'guest', '10')
    await guest.run('channel', 'open', '--hub', hub.address, '--amount', '5')
    for (const { address } of [second, third]) {
      await guest.run('connect', address, '--background', ...password(guest))
      await guest.host.run(['curl', '-s', '-m', '400', '-o', '/dev/null', market.internet.fileUrl(9_000_000)])
      await guest.run('disconnect')
    }
    await eventually('all have cleared', async () => (await owedTo()) === 3)
    await guest.run('rate', '1', '5')
    await keepPublic(await pagesOf(hub, password(hub)))
    await guest.run('channel', 'exit')
    await hub.run('draw', '--now')
    await hub.run('pool', 'withdraw', '10')
    const operator = await pagesOf(hub, password(hub))
    await operator.page.getByText('Exit of a consumer').waitFor({ timeout: 90_000 })
    await operator.page.waitForFunction(() => !document.body.innerText.includes('\n0.0\n'))
    await keepAll(operator, 'hub', ['Now', 'Channels', 'Providers', 'Earnings', 'Settings', 'Doctor'])
    await operator.close()
  }

  async function owedTo() {
    const { providers } = await hub.json('providers')
    return providers.filter(({ owed }) => owed !== '0').length
  }

  async function keepPublic({ page, close }) {
    const base = `https://${hub.host.at(7_700)}`
    await eventually(
      'what is owed is published, and its root anchored',
      async () => {
        const leaf = await page.request.get(`${base}/liabilities/leaf?provider=${second.address}`)
        const { proof, anchor } = await leaf.json()
        return proof?.count === 3 && anchor !== null
      },
      150_000,
    )
    await page.goto(`${base}/#/liabilities`)
    await page.getByLabel('Address of the provider').fill(second.address)
    await page.getByRole('button', { name: 'Check', exact: true }).click()
    await page.getByText('This provider is counted in').waitFor()
    await keepAll({ page }, 'public', ['What the hub owes', 'Offers', 'Market'])
    await close()
  }

  async function download(bytes) {
    const command = ['curl', '-s', '-m', '400', '-o', '/dev/null', market.internet.fileUrl(bytes)]
    await consumer.host.run(command, { timeoutMs: 410_000, signal: taken.signal })
  }
} finally {
  taken.abort()
  await market.destroy()
}

/** A browser at somebody's pages. */
async function pagesOf(person, flags) {
  const program = person.start(['ui', '--no-open', ...flags])
  const [, link] = await program.line(/Open this once.*(http:\S+)/)
  const browser = await openBrowser(person.host)
  const page = await browser.newPage({ ignoreHTTPSErrors: true })
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
        // The page from before stands for a moment, and the new one may have to wait for what it shows.
        await page.locator('a[aria-current]', { hasText: tab }).waitFor()
        await page.locator('.waiting').first().waitFor({ state: 'detached', timeout: 60_000 })
        const file = `${name}-${tab.toLowerCase().replaceAll(' ', '-')}-${colorScheme}-${width}.png`
        await page.screenshot({ path: join(folder, file), fullPage: true })
        process.stdout.write(`${file}\n`)
      }
}
