import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  barriers,
  createMarket,
  type Market,
  openBrowser,
  openHub,
  openProvider,
  overflow,
  type Person,
  type StockPhone,
  seatConsumer,
  stockPhone,
} from '../world/index.js'

// Lending a tunnel by somebody who would rather look than type.

let market: Market
let consumer: Person
let browser: Browser
let page: Page
let phone: StockPhone
const faults: string[] = []

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  await openProvider(market, 'provider', {
    ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer },
  })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5', '--yes')
  phone = stockPhone(await market.world.addHost('phone'))
  const password = join(consumer.host.home, 'password')
  const ui = consumer.start(['ui', '--no-open', '--password-file', password])
  const [, link = ''] = await ui.line(/Open this once.*(http:\S+)/)
  browser = await openBrowser(consumer.host)
  page = await (await browser.newContext({ viewport: { width: 1_280, height: 900 } })).newPage()
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(error.message))
  await page.goto(link)
})
afterAll(async () => {
  await phone?.down()
  await browser?.close()
  await market?.destroy()
})

const button = (name: string) => page.getByRole('button', { name, exact: true })
const agree = (name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true }).click()

/** Looks at the page as it stands, as it is read by keyboard, in weak light, on a phone. */
async function isForEverybody(state: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [360, 1_280]) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 900 })
      expect(await barriers(page), `${state}, ${colorScheme}, ${width}`).toEqual([])
      expect(await overflow(page), `${state} at ${width}`).toBeLessThanOrEqual(0)
      const folder = process.env.PONTAGE_SCREENS
      if (folder !== undefined)
        await page.screenshot({
          path: join(folder, `lend-${state}-${colorScheme}-${width}.png`),
          fullPage: true,
        })
    }
}

it('shows a code that a phone surfs by, what it costs, and that it is over', {
  timeout: 300_000,
}, async () => {
  await page.getByRole('link', { name: 'Lend', exact: true }).click()
  await page.getByRole('heading', { name: 'Nothing is lent' }).waitFor()
  await isForEverybody('none')
  await button('Lend').click()
  await agree('Lend')
  await page.getByText('A --budget is missing').waitFor()
  await page.getByLabel('Budget').fill('1/day')
  await button('Lend').click()
  await page.getByText('It costs at most 1 a day (tokens).').waitFor()
  await agree('Lend')
  await page.getByRole('heading', { name: 'Scan it with phone' }).waitFor({ timeout: 120_000 })
  await isForEverybody('code')

  const picture = join(consumer.host.home, 'code.png')
  await page.locator('.code').screenshot({ path: picture })
  const read = execFileSync('zbarimg', ['--quiet', '--raw', '--oneshot', picture], { encoding: 'utf8' })
  const { configuration } = await consumer.json<{ configuration: string }>('lend', 'show', 'phone')
  expect(read.trim()).toBe(configuration.trim())
  await phone.up(read)
  expect(await phone.fetch(market.internet.fileUrl(3_000_000))).toBe(3_000_000)

  await button('Hide it').click()
  await page.getByText('lent', { exact: true }).waitFor()
  await page
    .locator('.tile', { hasText: /In all\s*0\.000\d+ PTT · [3-9]\.\d+ MB/ })
    .waitFor({ timeout: 60_000 })
  await isForEverybody('list')
  await button('Stop').click()
  await agree('Stop')
  await page.getByRole('heading', { name: 'Nothing is lent' }).waitFor({ timeout: 60_000 })
  expect(await phone.fetch(market.internet.fileUrl(100_000), 3)).toBe(0)
  expect(faults).toEqual([])
})
