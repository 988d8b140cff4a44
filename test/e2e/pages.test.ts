import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  type Market,
  openBrowser,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'

// What a consumer does who would rather look than type: a real browser, the real program, money and traffic.

let market: Market
let hub: Awaited<ReturnType<typeof openHub>>
let provider: Awaited<ReturnType<typeof openProvider>>
let consumer: Person
let ui: Program
let browser: Browser
let page: Page
let links: { readonly act: string; readonly read: string }
const faults: string[] = []

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = { hubs: [hub.address], beneficiary: market.deployer, megabits: 100 }
  provider = await openProvider(market, 'provider', {
    ...{ ...offer, price: '0.05/GB', country: 'DE' },
    clearEvery: 2,
  })
  await openProvider(market, 'other', { ...offer, price: '0.08/GB', country: 'NL' })
  consumer = await seatConsumer(market, 'consumer', '10')
  links = await start()
  browser = await openBrowser(consumer.host)
  page = await browser.newPage({ viewport: { width: 1_280, height: 900 } })
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(error.message))
  await page.goto(links.act)
})
afterAll(async () => {
  await browser?.close()
  await market.destroy()
})

/** Starts the pages, and gives the two links that are typed out. */
async function start(): Promise<{ act: string; read: string }> {
  ui = consumer.start(['ui', '--no-open', '--password-file', join(consumer.host.home, 'password')])
  const [, act = ''] = await ui.line(/Open this once.*(http:\S+)/)
  const [, read = ''] = await ui.line(/looking only.*(http:\S+)/)
  return { act, read }
}

const button = (name: string) => page.getByRole('button', { name, exact: true })
const goTo = (tab: string) => page.getByRole('link', { name: tab, exact: true }).click()
/** Answers a question with its own button. */
const agree = (name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
const heading = (text: string) => page.getByRole('heading', { name: text }).waitFor({ timeout: 60_000 })

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** What a reader of screens, or weak eyes, would stumble over. */
async function barriers(): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const { violations } = await (
      globalThis as unknown as {
        axe: {
          run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>
        }
      }
    ).axe.run()
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  })
}

const curl = async (...words: string[]): Promise<string> => {
  const { stdout } = await consumer.host.run([
    'curl',
    '-s',
    '-w',
    '%{http_code}',
    '-o',
    '/dev/null',
    ...words,
  ])
  return stdout
}

describe('a newcomer at the pages', () => {
  it('sees that nothing runs, and opens a channel', async () => {
    await heading('You are not connected')
    await goTo('Channels')
    await heading('There is no channel yet')
    await page.getByLabel('Hub').fill(hub.address)
    await page.getByLabel('Tokens', { exact: true }).fill('5')
    await button('Open a channel').click()
    await agree('Open a channel')
    await page.getByText('5 PTT', { exact: true }).first().waitFor({ timeout: 60_000 })
  })

  it('connects with one button, and sees bytes and money move until the cap', async () => {
    await goTo('Now')
    await page.getByLabel('Cap').fill('20MB')
    await button('Connect').click()
    await agree('Connect')
    await heading('You are connected')
    await page.getByText('Germany').first().waitFor()
    await consumer.host.run(['curl', '-s', '-m', '60', '-o', '/dev/null', market.internet.fileUrl(6_000_000)])
    await page.locator('.tile', { hasText: /Spent\s*0\.\d+ PTT/ }).waitFor({ timeout: 30_000 })
    await page.getByRole('img', { name: /^Cap: [1-9]\d? % used/ }).waitFor()
    await consumer.host
      .run(['curl', '-s', '-m', '60', '-o', '/dev/null', market.internet.fileUrl(60_000_000)])
      .catch(() => undefined)
    await heading('The session is over, and nothing leaves this machine')
    await button('Open the network').click()
    await heading('You are not connected')
  })

  it('finds providers, tops up, closes, and keeps the history', async () => {
    await goTo('Providers')
    await page.getByText('Netherlands').first().waitFor({ timeout: 60_000 })
    await page.getByPlaceholder('Search').fill('nether')
    expect(await page.getByRole('row').count()).toBe(2)
    await goTo('Channels')
    await page.getByLabel('Tokens', { exact: true }).first().fill('1')
    await button('Top up').click()
    await agree('Top up')
    await page
      .getByText(/^(6|5\.9\d*) PTT$/)
      .first()
      .waitFor({ timeout: 60_000 })
    await button('Close').click()
    await agree('Close')
    await page.getByText('closed', { exact: true }).waitFor({ timeout: 60_000 })
    await goTo('History')
    await page.getByRole('cell', { name: 'cap' }).waitFor()
  })

  it('reads everything by keyboard, in weak light, on a phone', async () => {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [390, 1_280])
        for (const tab of ['Now', 'Providers', 'Channels', 'History', 'Doctor']) {
          await page.emulateMedia({ colorScheme })
          await page.setViewportSize({ width, height: 844 })
          await goTo(tab)
          await page.locator('.waiting').first().waitFor({ state: 'detached', timeout: 60_000 })
          expect(await barriers(), `${tab}, ${colorScheme}, ${width}`).toEqual([])
          const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
          expect(overflow, `${tab} at ${width}`).toBeLessThanOrEqual(0)
        }
    expect(faults).toEqual([])
  })
})

describe('an owner at the pages', () => {
  it('changes the price, ends a session, and redeems', async () => {
    const owner = provider.start(['ui', '--no-open', '--password-file', join(provider.host.home, 'password')])
    const [, link = ''] = await owner.line(/Open this once.*(http:\S+)/)
    const away = await openBrowser(provider.host)
    onTestFinished(() => away.close())
    const pages = await away.newPage()
    const at = async (tab: string) => pages.getByRole('link', { name: tab, exact: true }).click()
    const press = async (name: string) => {
      await pages.getByRole('button', { name, exact: true }).click()
      await pages.getByRole('dialog').getByRole('button', { name, exact: true }).click()
    }
    await pages.goto(link)
    await pages.getByRole('heading', { name: 'You are selling traffic' }).waitFor()
    await at('Offer')
    await pages.getByLabel('Traffic').fill('0.04/GB')
    await press('Change the price')
    await pages.getByText('0.04 PTT/GB', { exact: true }).waitFor({ timeout: 60_000 })

    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '1')
    const password = ['--password-file', join(consumer.host.home, 'password')]
    await consumer.run('connect', provider.address, '--background', ...password)
    await consumer.host.run(['curl', '-s', '-m', '60', '-o', '/dev/null', market.internet.fileUrl(2_000_000)])
    await at('Sessions')
    await pages.getByRole('cell', { name: /^0x/ }).waitFor()
    await press('End')
    // The consumer may be back at once: nobody said that it is not welcome.
    await logged(provider.program, 'session ended', { reason: 'kicked' })
    await consumer.run('disconnect')
    await pages.getByRole('heading', { name: 'No session is running' }).waitFor({ timeout: 60_000 })

    await eventually('the hub has cleared what was promised', async () => {
      const { hubs } = await provider.json<{ hubs: { cleared: string }[] }>('status')
      return BigInt(hubs[0]?.cleared ?? 0) > 0n
    })
    await at('Now')
    await press('Redeem now')
    await pages.locator('td[data-label="Redeemed"]', { hasText: /[1-9]/ }).waitFor({ timeout: 60_000 })
    await owner.stop('SIGINT', 5_000)
  })
})

describe('whoever should not be at the pages', () => {
  const base = () => new URL(links.act).origin

  it('gets in by no used link, no other name, and without a visit', async () => {
    expect(await curl(links.act)).toBe('403')
    expect(await curl(`${base()}/live`)).toBe('401')
    expect(await curl(`${base()}/`)).toBe('401')
    expect(await curl('-H', 'Host: evil.example', `${base()}/`)).toBe('421')
  })

  it('does nothing from another site, nor with a link for looking', async () => {
    const jar = join(consumer.host.home, 'jar')
    expect(await curl('-c', jar, links.read)).toBe('303')
    const deed = ['-b', jar, '-H', 'content-type: application/json', '-d', '{}', `${base()}/do/disconnect`]
    expect(await curl(...deed)).toBe('403')
    expect(await curl('-H', 'Origin: http://evil.example', ...deed)).toBe('403')
    expect(await curl('-H', `Origin: ${base()}`, ...deed)).toBe('403')
    expect(await curl('-b', jar, `${base()}/read/account`)).toBe('200')
    const cookie = (await page.context().cookies())[0]
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    const owner = ['-H', `Cookie: ${cookie?.name}=${cookie?.value}`, ...deed.slice(2)]
    expect(await curl(...owner)).toBe('403')
    expect(await curl('-H', 'Origin: http://evil.example', ...owner)).toBe('403')
    expect(await curl('-H', `Origin: ${base()}`, ...owner)).toBe('200')
  })

  it('runs no markup of its own in the pages', async () => {
    const evil = '<img src=x onerror="document.title=1">'
    const offer = { price: '50000', pricePerHour: '0', country: evil, provider: evil, stake: '1', faults: 0 }
    const quality = { sessions: 1, throughputKbps: null, score: null }
    const more = { registeredAt: 1_700_000_000, sound: true, latencyMs: null, quality }
    await page.route('**/read/providers', (route) =>
      route.fulfill({ json: { providers: [{ ...offer, ...more }] } }),
    )
    await page.reload()
    await goTo('Providers')
    await page.getByText(evil).first().waitFor()
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).toBe('Pontage')
    await page.unroute('**/read/providers')
  })

  it('is told when the program behind the pages has gone', async () => {
    await ui.stop('SIGTERM', 5_000)
    await page.getByText('The program behind these pages does not answer.').waitFor()
  })
})
