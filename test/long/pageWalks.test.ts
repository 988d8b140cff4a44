import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatTrafficPrice, weiPerMegabyte } from '@pontage/shared'
import { formatEther } from 'ethers'
import fc from 'fast-check'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  barriers,
  createMarket,
  eventually,
  type Market,
  openBrowser,
  openHub,
  openProvider,
  type Person,
  seatConsumer,
} from '../world/index.js'

// Whatever somebody presses, types and leaves half done: no error in the console, nothing that contradicts the program,
// and nothing that a reader of screens would stumble over. "npm run -s walk:pages -w test" walks ten times as far.

const actions = Number(process.env.PONTAGE_WALK_ACTIONS ?? 200)
const seed = Number(process.env.PONTAGE_WALK_SEED ?? 1)

let market: Market
let provider: Awaited<ReturnType<typeof openProvider>>
let consumer: Person
let hub: Awaited<ReturnType<typeof openHub>>
const browsers: Browser[] = []
const walked: { name: string; page: Page; tabs: readonly string[]; faults: string[] }[] = []

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000', flags: ['--liabilities-every', '30'] })
  const offer = { hubs: [hub.address], beneficiary: market.deployer, megabits: 100 }
  provider = await openProvider(market, 'provider', {
    ...{ ...offer, price: '0.05/GB', country: 'DE' },
    clearEvery: 2,
  })
  consumer = await seatConsumer(market, 'consumer', '100')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  await follow('consumer', consumer, [
    'Now',
    'Providers',
    'Channels',
    'Lend',
    'History',
    'Settings',
    'Doctor',
  ])
  await follow('provider', provider, [
    ...['Now', 'Sessions', 'Earnings', 'Offer', 'Settings', 'Doctor', 'Retire'],
  ])
  await follow('hub', hub, ['Now', 'Channels', 'Providers', 'Earnings', 'Settings', 'Doctor'])
  // Whoever opens the hub's own port in a browser, where something is owed and published already.
  const password = ['--password-file', join(consumer.host.home, 'password')]
  await consumer.run('connect', provider.address, '--background', ...password)
  await consumer.host.run(['curl', '-s', '-m', '60', '-o', '/dev/null', market.internet.fileUrl(3_000_000)])
  await consumer.run('disconnect')
  await eventually('what the hub owes is published', () => isThere('/liabilities'), 150_000)
  const tabs = ['Offers', 'Market', 'What the hub owes']
  await visit('visitor', await openBrowser(hub.host), publicPage('/'), tabs)
})
afterAll(async () => {
  for (const browser of browsers) await browser.close()
  await market.destroy()
})

async function follow(name: string, person: Person, tabs: readonly string[]): Promise<void> {
  const ui = person.start(['ui', '--no-open', '--password-file', join(person.host.home, 'password')])
  const [, link = ''] = await ui.line(/Open this once.*(http:\S+)/)
  await visit(name, await openBrowser(person.host), link, tabs)
}

/** Opens pages in a browser of their own, and keeps what goes wrong there. */
async function visit(name: string, browser: Browser, link: string, tabs: readonly string[]): Promise<void> {
  browsers.push(browser)
  // Whoever visits by name sees the certificate that the hub made itself.
  const page = await browser.newPage({ ignoreHTTPSErrors: true })
  const faults: string[] = []
  page.on('console', (message) => {
    // A browser says so whenever a tunnel comes or goes; the pages ask again.
    const isOurs = !message.text().includes('ERR_NETWORK_CHANGED')
    if (message.type() === 'error' && isOurs) faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(error.stack ?? error.message))
  page.setDefaultTimeout(60_000)
  await page.goto(link)
  walked.push({ name, page, tabs, faults })
}

type Walker = (typeof walked)[number]

/** What is typed into a field: what belongs there, what does not, and what attacks. */
const typed = fc.constantFrom(
  ...['', '1', '0.5', '20MB', '50Mbit', 'none', '0.04/GB', '0.01/h', 'de', 'HUB', '-1', '--help', '1e99'],
  ...['<img src=x onerror=alert(1)>', '\u202e0x', 'pontage:abc', 'x'.repeat(3_000), '0x', '٣', '🙂'],
)
const where = fc.nat(1_000)

/** One thing that somebody does at one of the pages. `at` chooses among what is there. */
const deed = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('open' as const), at: where }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('press' as const), at: where }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('type' as const), at: where, text: typed }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('key' as const), at: fc.constantFrom('Tab', 'Enter', 'Escape') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      at: fc.constantFrom(360, 1_280),
      dark: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('download' as const) }) },
)
type Deed = typeof deed extends fc.Arbitrary<infer Value> ? Value : never

/** These end the provider for good, and with it the walk: they are asked for, and never agreed to. */
const neverAgreed = ['Begin', 'Go on', 'Withdraw the offer']

/** A browser gives a page up while the machine's network changes, as it does when a tunnel comes or goes: it is asked again. */
async function reload(page: Page): Promise<void> {
  await eventually('the page is loaded anew', () =>
    page.reload().then(
      () => true,
      (error: Error) => {
        if (error.message.includes('ERR_NETWORK_CHANGED')) return false
        throw error
      },
    ),
  )
}

async function perform({ page, tabs }: Walker, what: Deed): Promise<void> {
  const dialog = page.getByRole('dialog')
  if (await dialog.isVisible()) {
    const yes = dialog.getByRole('button').first()
    const isAgreed = 'at' in what && typeof what.at === 'number' && what.at % 2 === 0
    const asked = (await yes.textContent({ timeout: 3_000 }).catch(passedOver)) ?? ''
    if (isAgreed && !neverAgreed.includes(asked)) return press(yes)
    return press(dialog.getByRole('button').last())
  }
  if (what.do === 'open') {
    return goTo(page, tabs[what.at % tabs.length] ?? '')
  }
  if (what.do === 'press') return choose(page, 'button:enabled, input[type=checkbox]', what.at, 'press')
  if (what.do === 'type') {
    const text = what.text === 'HUB' ? hub.address : what.text
    return choose(page, 'input:not([type=checkbox])', what.at, text)
  }
  if (what.do === 'key') return page.keyboard.press(what.at)
  if (what.do === 'reload') return reload(page)
  if (what.do === 'download') {
    const url = market.internet.fileUrl(300_000)
    // There may be no way out at the moment.
    await consumer.host.run(['curl', '-s', '-m', '3', '-o', '/dev/null', url]).catch(() => undefined)
    return
  }
  await page.setViewportSize({ width: what.at, height: 844 })
  await page.emulateMedia({ colorScheme: what.dark ? 'dark' : 'light' })
}

/** A question may come up between a look and a press: then it is answered first. */
async function goTo(page: Page, tab: string): Promise<void> {
  const link = page.getByRole('link', { name: tab, exact: true })
  const no = page.getByRole('dialog').getByRole('button').last()
  for (let attempt = 0; ; attempt++) {
    if (await no.isVisible()) await no.click()
    const failure = await link.click({ timeout: 3_000 }).catch((error: Error) => error)
    if (failure === undefined) return
    if (attempt === 5 || !(await no.isVisible())) throw failure
  }
}

/** Presses or fills one of those that are there; whatever moves meanwhile is somebody else's doing, and is passed over. */
async function choose(page: Page, selector: string, at: number, text: string): Promise<void> {
  const all = await page.locator(selector).all()
  const one = all[at % Math.max(1, all.length)]
  if (one === undefined) return
  if (text === 'press') return press(one)
  await one.fill(text, { timeout: 3_000 }).catch(passedOver)
}

/** What was asked about may be over before it is answered, such as a session that one was about to end. */
const press = (button: Locator): Promise<void> => button.click({ timeout: 3_000 }).catch(passedOver)

function passedOver(error: Error): void {
  if (!/Timeout|detached|not attached/.test(error.message)) throw error
}

const titles: Readonly<Record<string, string>> = {
  disconnected: 'You are not connected',
  connecting: 'Connecting',
  connected: 'You are connected',
  suspended: 'The provider waits for payment',
  reconnecting: 'Looking for a provider',
  blocked: 'The session is over, and nothing leaves this machine',
  crashed: 'The program was killed, and the kill switch holds',
}

/** States of the consumer's program that were compared, each as often as it was. */
const compared = new Map<string, number>()

/** What the pages say is what the programs say. */
async function agree(): Promise<void> {
  for (const { page, tabs } of walked) await goTo(page, tabs[0] ?? '')
  const [own, others, hubs, visitors] = walked.map(({ page }) => page) as [Page, Page, Page, Page]
  let seen: unknown
  const agreed = (name: string, look: () => Promise<boolean>) =>
    eventually(`the pages say what the ${name} says`, look).catch((error: Error) => {
      throw new Error(`${error.message} They said ${JSON.stringify(seen)}.`)
    })
  await agreed('consumer', async () => {
    const { state } = await consumer.json<{ state: string }>('status')
    const title = await own.locator('h1').first().textContent()
    seen = { state, title }
    if (title !== titles[state]) return false
    compared.set(state, (compared.get(state) ?? 0) + 1)
    return true
  })
  await agreed('provider', async () => {
    const { live } = await provider.json<{ live: { sessions: unknown[]; limits: { total: string } } }>(
      'status',
    )
    const shown = [await tile(others, 'Sessions'), await tile(others, 'Speed limits')]
    seen = { live: [String(live.sessions.length), live.limits.total], shown }
    return shown[0] === String(live.sessions.length) && shown[1] === live.limits.total
  })
  await agreed('hub', async () => {
    const { pool, running } = await hub.json<{ pool: string; running: { channels: number } }>('status')
    const [shownPool = '', shownChannels] = [await tile(hubs, 'Pool'), await tile(hubs, 'Open channels')]
    seen = { pool, channels: running.channels, shownPool, shownChannels }
    // The page leaves out what is less than a ten-thousandth.
    const [, amount] = /^([\d.,]+) PTT$/.exec(shownPool ?? '') ?? []
    const isPool = Math.abs(Number(amount?.replaceAll(',', '')) - Number(formatEther(pool))) < 1e-4
    return isPool && shownChannels === String(running.channels)
  })
  await agreed('chain of offers', async () => {
    const { live, pricePerMegabyte } = await provider.json<{ live: boolean; pricePerMegabyte: string }>(
      'offer',
    )
    await reload(visitors)
    await goTo(visitors, 'Offers')
    await visitors.locator('.waiting').first().waitFor({ state: 'detached' })
    const shown = await visitors.locator('td[data-label="Traffic"]').allTextContents()
    const price = live ? [formatTrafficPrice(weiPerMegabyte(BigInt(pricePerMegabyte)), ptt)] : []
    seen = { price, shown }
    return price.join() === shown.join()
  })
  await agreed('publication', async () => {
    const { leaves, liabilities } = await published()
    await goTo(visitors, 'What the hub owes')
    await visitors.getByLabel('Address of the provider').fill(provider.address)
    await visitors.getByRole('button', { name: 'Check', exact: true }).click()
    await visitors.locator('.verdict').waitFor()
    const leaf = leaves.find((each) => each.provider === provider.address)
    const verdict = await visitors.locator('.verdict').textContent()
    // Whatever was published meanwhile: what is shown never fails to hold.
    expect(verdict).not.toBe('What the hub shows does not hold')
    const root = await visitors.locator('.checks code').last().textContent()
    seen = { leaf, verdict, root, liabilities }
    const expected = leaf ? 'This provider is counted in' : 'The hub says that it owes this provider nothing'
    return verdict === expected && root === liabilities.root
  })
}

const isThere = (path: string): Promise<boolean> =>
  hub.host.run(['curl', '-sfk', '-o', '/dev/null', publicPage(path)]).then(
    () => true,
    () => false,
  )
const publicPage = (path: string): string => `https://${hub.host.at(7_700)}${path}`

const ptt = { symbol: 'PTT', decimals: 18 }

interface Publication {
  readonly liabilities: { readonly root: string }
  readonly leaves: readonly { readonly provider: string }[]
}

/** What the hub published last, found whole by its own program. */
async function published(): Promise<Publication> {
  const file = join(hub.host.home, 'publication.json')
  await hub.host.run(['curl', '-sfk', '-o', file, publicPage('/liabilities')])
  expect(await hub.json('liabilities', 'verify', file)).toMatchObject({ ok: true })
  return JSON.parse(readFileSync(file, 'utf8'))
}

const tile = (page: Page, name: string) =>
  page.locator('.tile', { hasText: name }).first().locator('dd').textContent()

it(
  `stays true and free of errors through ${actions} random actions, of seed ${seed}`,
  async () => {
    const walk = fc.array(fc.tuple(fc.nat(3), deed), { minLength: actions, maxLength: actions })
    const [steps = []] = fc.sample(walk, { seed, numRuns: 1 })
    const done: string[] = []
    for (const [index, [who, what]] of steps.entries()) {
      const walker = walked[who] as Walker
      done.push(`${walker.name}: ${JSON.stringify(what)}`.slice(0, 120))
      await perform(walker, what)
      const last = done.slice(-8).join('\n')
      for (const { name, faults } of walked)
        expect(faults, `${name}, action ${index}, after\n${last}`).toEqual([])
      if (index % 40 !== 39) continue
      await agree()
      if (index % 200 === 199) process.stdout.write(`${index + 1} actions\n`)
    }
    await agree()
    for (const { page, tabs, name } of walked)
      for (const tab of tabs) {
        await goTo(page, tab)
        await page.locator('.waiting').first().waitFor({ state: 'detached', timeout: 60_000 })
        expect(await barriers(page), `${name}, ${tab}`).toEqual([])
      }
    for (const { faults } of walked) expect(faults).toEqual([])
    process.stdout.write(`Compared: ${JSON.stringify(Object.fromEntries(compared))}\n`)
  },
  300_000 + actions * 3_000,
)
