import { join } from 'node:path'
import type { Hex } from '@pontage/shared'
import { createTypedData } from '@pontage/shared/node'
import { Wallet } from 'ethers'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  barriers,
  createMarket,
  eventually,
  keyOf,
  type Market,
  openBrowser,
  openHub,
  openProvider,
  overflow,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'

// What the operator of a hub sees and does in a browser, and what everybody sees of a hub without asking anybody.

let market: Market
let hub: Person & { readonly program: Program }
let provider: Person
let consumer: Person
let browser: Browser
let page: Page
const faults: string[] = []

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000', flags: ['--liabilities-every', '60'] })
  const offer = { hubs: [hub.address], beneficiary: market.deployer, megabits: 100, clearEvery: 2 }
  provider = await openProvider(market, 'provider', { ...offer, price: '0.05/GB', country: 'DE' })
  const other = await openProvider(market, 'other', { ...offer, price: '0.08/GB', country: 'NL' })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  const password = ['--password-file', join(consumer.host.home, 'password')]
  for (const { address } of [provider, other]) {
    await consumer.run('connect', address, '--background', ...password)
    await consumer.host.run(['curl', '-s', '-m', '60', '-o', '/dev/null', market.internet.fileUrl(6_000_000)])
    await consumer.run('disconnect')
  }
  await eventually('both have cleared what they were promised', async () => {
    const { providers } = await hub.json<{ providers: { owed: string }[] }>('providers')
    return providers.filter(({ owed }) => owed !== '0').length === 2
  })
  await consumer.run('rate', '1', '5')
  browser = await openBrowser(hub.host)
})
afterAll(async () => {
  await browser?.close()
  await market?.destroy()
})

/** A page of a browser at the hub's own machine, whose faults are kept. */
async function openPage(): Promise<Page> {
  const opened = await browser.newPage({
    viewport: { width: 1_280, height: 900 },
    // Whoever visits by name sees the certificate that the hub made itself.
    ignoreHTTPSErrors: true,
  })
  opened.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  opened.on('pageerror', (error) => faults.push(error.message))
  return opened
}

const goTo = (tab: string) => page.getByRole('link', { name: tab, exact: true }).click()
const press = async (name: string) => {
  await page.getByRole('button', { name, exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
}
const tile = (name: string, value: RegExp) =>
  page.locator('.tile', { hasText: name, has: page.locator('dd', { hasText: value }) })

/** Nothing to stumble over on any of these, in light and dark, on a phone and a desk. */
async function examine(tabs: readonly string[]): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [360, 1_280])
      for (const tab of tabs) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 844 })
        await goTo(tab)
        await page.locator('.waiting').first().waitFor({ state: 'detached', timeout: 60_000 })
        expect(await barriers(page), `${tab}, ${colorScheme}, ${width}`).toEqual([])
        expect(await overflow(page), `${tab} at ${width}`).toBeLessThanOrEqual(0)
      }
}

describe('an operator at the pages', () => {
  let ui: Program

  beforeAll(async () => {
    ui = hub.start(['ui', '--no-open', '--password-file', join(hub.host.home, 'password')])
    const [, link = ''] = await ui.line(/Open this once.*(http:\S+)/)
    page = await openPage()
    await page.goto(link)
  })
  afterAll(async () => {
    await page?.close()
    await ui?.stop('SIGINT', 5_000)
  })

  it('sees that the hub serves, and what it cleared', async () => {
    await page.getByRole('heading', { name: 'The hub is serving' }).waitFor()
    await tile('Open channels', /^1$/).waitFor()
    await page.getByText('Nobody leaves, and nobody protests').waitFor({ timeout: 60_000 })
    await goTo('Providers')
    const owed = page.locator('td[data-label="Owed"]', { hasText: /0\.\d+ PTT/ })
    await owed.first().waitFor({ timeout: 60_000 })
    const { running } = await hub.json<{ running: { clears: { answered: number } } }>('status')
    expect(running.clears.answered).toBeGreaterThan(0)
  })

  it('funds the pool, having been told what it takes', async () => {
    await goTo('Now')
    await tile('Pool', /^100 PTT$/).waitFor()
    await page.getByLabel('PTT').fill('20')
    await page.getByRole('button', { name: 'Fund the pool', exact: true }).click()
    const question = page.getByRole('dialog')
    expect(await question.innerText()).toMatch(
      /^This moves 20 PTT from the hub’s own account into the pool\. The account holds 900\.\d+ PTT, and 9\.9\d* coins? for gas\./,
    )
    await question.getByRole('button', { name: 'Fund the pool', exact: true }).click()
    await tile('Pool', /^120 PTT$/).waitFor({ timeout: 60_000 })
  })

  it('sees an exit and until when the hub must have drawn', async () => {
    await consumer.run('channel', 'exit')
    const row = page.getByRole('row', { name: /Exit of a consumer/ })
    await row.getByText(/^in \d+ (h|min|s|days)/).waitFor({ timeout: 90_000 })
    await goTo('Channels')
    await page.getByText(/^Exit in /).waitFor({ timeout: 60_000 })
  })

  it('draws what is held, and sees the fee it kept', async () => {
    await goTo('Now')
    await press('Draw what is held')
    await eventually('something was drawn', async () => {
      const { rows } = await hub.json<{ rows: object[] }>('earnings')
      return rows.length > 0
    })
    await goTo('Earnings')
    await tile('In all', /PTT/).waitFor({ timeout: 60_000 })
    await page
      .locator('td[data-label="Draws"]', { hasText: /^[1-9]/ })
      .first()
      .waitFor()
  })

  it('sees a protest, and until when what the hub holds must be drawn', async () => {
    const { channels } = market.chain
    const [opened] = await channels.queryFilter(channels.filters.ChannelOpened(), 0)
    const { channelId, nonce } = opened?.args ?? {}
    if (channelId === undefined || nonce === undefined) throw new Error('Nobody opened a channel.')
    const amount = market.tokens('1')
    // A consumer that gives one provider a promise which the hub never saw.
    const { privateKey } = await keyOf(consumer, 'consumer')
    const signature = createTypedData(market.deployment).sign(
      'MicroPromise',
      { channelId: channelId as Hex, provider: provider.address, amount },
      privateKey,
    )
    const parties = { consumer: consumer.address, hub: hub.address, nonce }
    const stranger = new Wallet(market.testChain.keys[3] ?? '', market.chain.rpc)
    await (await channels.connect(stranger).protest(parties, provider.address, amount, signature)).wait()
    await goTo('Now')
    const row = page.getByRole('row', { name: /Protest of a provider/ })
    await row.getByText(/^in \d+ (h|min|s|days)/).waitFor({ timeout: 90_000 })
    await row.getByText('1 PTT').waitFor()
  })

  it('reads everything by keyboard, in weak light, on a phone', async () => {
    await examine(['Now', 'Channels', 'Providers', 'Earnings', 'Settings', 'Doctor'])
    expect(faults).toEqual([])
  })

  it('is told when the hub has stopped, and that it is back', async () => {
    await goTo('Now')
    await hub.program.stop('SIGTERM', 30_000)
    await page.getByRole('heading', { name: 'The hub is not running' }).waitFor()
    const again = hub.start(['run', '--port', '7700', '--draw-above', '1000', '--liabilities-every', '60'])
    await again.line(/"listening"/)
    await page.getByRole('heading', { name: 'The hub is serving' }).waitFor()
    expect(await provider.json('status')).toHaveProperty('hubs')
  })
})

describe('a visitor of the hub’s own port', () => {
  const base = () => `https://${hub.host.at(7_700)}`
  const check = async (address: string) => {
    await page.getByLabel('Address of the provider').fill(address)
    await page.getByRole('button', { name: 'Check', exact: true }).click()
  }
  const verdict = (text: string) => page.getByRole('heading', { name: text }).waitFor({ timeout: 30_000 })

  beforeAll(async () => {
    page = await openPage()
    await page.goto(`${base()}/`)
  })
  afterAll(() => page?.close())

  it('sees who offers what, and how concentrated the market is', async () => {
    await page.getByText('Germany').first().waitFor({ timeout: 60_000 })
    await page.getByText('0.08 PTT/GB').waitFor()
    await page.getByLabel('Search by country or address').fill('nether')
    expect(await page.getByRole('row').count()).toBe(2)
    await goTo('Market')
    await tile('Sellers', /^1$/).waitFor()
    await tile('As concentrated as', /^one seller$/).waitFor()
  })

  it('verifies the leaf of a provider, up to the root that is anchored', async () => {
    await goTo('What the hub owes')
    await eventually(
      'both providers are in what was published, and its root is on chain',
      async () => {
        const response = await page.request.get(`${base()}/liabilities/leaf?provider=${provider.address}`)
        const { proof, anchor } = await response.json()
        return proof?.count === 2 && anchor !== null
      },
      150_000,
    )
    await check(provider.address)
    await verdict('This provider is counted in')
    await page.getByText('The leaf and 1 hash beside its way lead to the root').waitFor()
    await page.getByText(/This transaction in block \d+ anchors the root/).waitFor()
    expect(await page.getByText('Holds', { exact: true }).count()).toBe(4)
  })

  it('is told that a publication with a changed number does not hold', async () => {
    const route = '**/liabilities/leaf?**'
    const changed = async (change: (answer: { proof: Proof; liabilities: { pool: string } }) => void) => {
      await page.route(route, async (intercepted) => {
        const answer = await (await intercepted.fetch()).json()
        change(answer)
        await intercepted.fulfill({ json: answer })
      })
      await check(provider.address)
      await verdict('What the hub shows does not hold')
      await page.unroute(route)
      await check(provider.address)
      await verdict('This provider is counted in')
    }
    await changed(({ proof }) => {
      proof.leaf.outstanding = String(BigInt(proof.leaf.outstanding) + 1n)
    })
    await changed(({ proof }) => {
      proof.path = [{ hash: `0x${'11'.repeat(32)}`, sum: '1' }]
    })
    await changed(({ liabilities }) => {
      liabilities.pool = `${liabilities.pool}0`
    })
  })

  it('is told of a provider that is not counted in, and of what is no address', async () => {
    await check(consumer.address)
    await verdict('The hub says that it owes this provider nothing')
    await page.getByLabel('Address of the provider').fill('0x12')
    expect(await page.getByRole('button', { name: 'Check', exact: true }).isDisabled()).toBe(true)
  })

  it('reads everything by keyboard, in weak light, on a phone', async () => {
    await check(provider.address)
    await verdict('This provider is counted in')
    await examine(['Offers', 'Market', 'What the hub owes'])
    expect(faults).toEqual([])
  })

  it('can do nothing there, and is shown no markup of strangers', async () => {
    const answered = await page.request.get(`${base()}/`)
    expect(answered.headers()['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; /)
    expect(answered.headers()).not.toHaveProperty('access-control-allow-origin')
    const statuses = await Promise.all(
      ['/do/fund', '/read/status', '/live', '/enter?key=x', '/../package.json'].map(async (path) =>
        (await page.request.get(`${base()}${path}`)).status(),
      ),
    )
    expect(statuses).toEqual([404, 404, 404, 404, 404])
    expect((await page.request.post(`${base()}/do/fund`, { data: { amount: '1' } })).status()).toBe(405)
    const evil = '<img src=x onerror="document.title=1">'
    await page.route('**/proposals?**', async (intercepted) => {
      const answer = await (await intercepted.fetch()).json()
      answer.proposals[0].proposal.country = evil
      await intercepted.fulfill({ json: answer })
    })
    await page.reload()
    await goTo('Offers')
    await page.getByText(evil).first().waitFor()
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).toBe('Pontage: a hub')
  })
})

interface Proof {
  readonly leaf: { outstanding: string }
  path: { hash: string; sum: string }[]
}
