import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  barriers,
  createMarket,
  eventually,
  logged,
  type Market,
  openBrowser,
  openHub,
  openProvider,
  overflow,
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
  // A context of its own: pages that are opened later share its cookies.
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 } })
  page = await context.newPage()
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
async function start(...flags: readonly string[]): Promise<{ act: string; read: string }> {
  ui = consumer.start(['ui', '--no-open', '--password-file', join(consumer.host.home, 'password'), ...flags])
  const [, act = ''] = await ui.line(/Open this once.*(http:\S+)/)
  const [, read = ''] = await ui.line(/looking only.*(http:\S+)/)
  return { act, read }
}

const button = (name: string) => page.getByRole('button', { name, exact: true })
const goTo = (tab: string) => page.getByRole('link', { name: tab, exact: true }).click()
/** Answers a question with its own button. */
const agree = (name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
const heading = (text: string) => page.getByRole('heading', { name: text }).waitFor({ timeout: 60_000 })

/** A program of another user of this machine, whose page asks itself for more: to a browser it is of the same site. */
const thiefProgram = `
  require('node:http').createServer((request, response) => {
    if (request.headers.cookie) console.log('cookie ' + request.headers.cookie)
    response.setHeader('content-type', 'text/html')
    response.end('<script>fetch("/more")</script>')
  }).listen(0, '127.0.0.1', function () { console.log('listens ' + this.address().port) })
`

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

  it('keeps an invitation once it has seen what it offers', async () => {
    const flags = ['--price', '0.03/GB', '--country', 'DE', '--hub', hub.address]
    const { link } = await provider.json<{ link: string }>(
      ...['invite', '--endpoint', provider.host.at(7_800), ...flags],
    )
    await goTo('Providers')
    await page.getByLabel('Link of an invitation').fill(link.slice(0, -9))
    await button('See what it offers').click()
    await page.getByText('This is no whole invitation.').waitFor()
    await page.getByLabel('Link of an invitation').fill(link)
    await button('See what it offers').click()
    await page.locator('.tile', { hasText: /Price\s*0\.03 PTT\/GB/ }).waitFor()
    expect(await consumer.json('invitation', 'list')).toMatchObject({ invitations: [] })
    await button('Keep it').click()
    await page.getByRole('cell', { name: '0.03 PTT/GB' }).first().waitFor()
    expect(await consumer.json('invitation', 'list')).toMatchObject({
      invitations: [{ provider: provider.address, country: 'DE' }],
    })
    await button('Forget').click()
    await agree('Forget')
    await page.getByText('No invitation is kept.').waitFor()
  })

  it('says what every setting is for, and where its value came from', async () => {
    await goTo('Settings')
    const setting = (name: string) => page.locator('.settings > div', { hasText: name })
    await setting('password-file').getByText('given to these pages as --password-file').waitFor()
    await setting('max-gas-price').getByText('as usual').waitFor()
    await setting('max-gas-price').getByText('Highest gas price').waitFor()
  })

  it('reads everything by keyboard, in weak light, on a phone', async () => {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [360, 1_280])
        for (const tab of ['Now', 'Providers', 'Channels', 'Lend', 'History', 'Settings', 'Doctor']) {
          await page.emulateMedia({ colorScheme })
          await page.setViewportSize({ width, height: 844 })
          await goTo(tab)
          await page.locator('.waiting').first().waitFor({ state: 'detached', timeout: 60_000 })
          expect(await barriers(page), `${tab}, ${colorScheme}, ${width}`).toEqual([])
          expect(await overflow(page), `${tab} at ${width}`).toBeLessThanOrEqual(0)
        }
    await goTo('Now')
    await button('Connect').focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Connect')
    expect(faults).toEqual([])
  })

  it('reads again what a change of the network took away, and does nothing twice', async () => {
    let reads = 0
    await page.route('**/read/history', (route) => (++reads === 1 ? route.abort('failed') : route.continue()))
    await goTo('History')
    await page.getByRole('cell', { name: 'cap' }).waitFor()
    let deeds = 0
    await page.route('**/do/showInvitation', (route) => {
      deeds++
      return route.abort('failed')
    })
    await goTo('Providers')
    await page.getByLabel('Link of an invitation').fill('pontage:abc')
    await button('See what it offers').click()
    await page.getByText('The answer was lost on its way').waitFor()
    expect([reads, deeds]).toEqual([2, 1])
    await page.unroute('**/read/history')
    await page.unroute('**/do/showInvitation')
  })
})

describe('an owner at the pages', () => {
  it('changes the price, ends a session, redeems, and closes down', async () => {
    // What the provider's own port is called must not become the port of its pages.
    appendFileSync(join(provider.host.home, 'config.yaml'), 'port: 7800\n')
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

    // And closes down: what is done, what waits, and until when.
    await at('Retire')
    await press('Begin')
    await pages.getByText(/It can be taken out from 20/).waitFor({ timeout: 180_000 })
    expect(await provider.json('status')).toMatchObject({ running: false, retiring: true })
    await pages.getByRole('button', { name: 'Serve again', exact: true }).waitFor()
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
    const opened = await consumer.host.run(['curl', '-s', '-D', '-', '-o', '/dev/null', links.read])
    const [, cookie = ''] = /^set-cookie: ([^;]+)/im.exec(opened.stdout) ?? []
    const [, word = ''] = /^location: \/#visit=(\S+)/im.exec(opened.stdout) ?? []
    const reader = ['-H', `Cookie: ${cookie}`, '-H', `pontage-visit: ${word}`]
    const deed = ['-H', 'content-type: application/json', '-d', '{}', `${base()}/do/disconnect`]
    expect(await curl(...reader, ...deed)).toBe('403')
    expect(await curl(...reader, '-H', 'Origin: http://evil.example', ...deed)).toBe('403')
    expect(await curl(...reader, '-H', `Origin: ${base()}`, ...deed)).toBe('403')
    expect(await curl(...reader, `${base()}/read/account`)).toBe('200')
    const visit = (await page.context().cookies())[0]
    expect(visit).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    const kept = await page.evaluate<string>('localStorage.getItem("visit")')
    const owner = ['-H', `Cookie: ${visit?.name}=${visit?.value}`, '-H', `pontage-visit: ${kept}`]
    expect(await curl(...owner, ...deed)).toBe('403')
    expect(await curl(...owner, '-H', 'Origin: http://evil.example', ...deed)).toBe('403')
    expect(await curl(...owner, '-H', `Origin: ${base()}`, ...deed)).toBe('200')
  })

  it('listens on another port of this machine, is sent the cookie, and gets no further', async () => {
    const thief = consumer.host.start(['node', '-e', thiefProgram])
    const [, port = ''] = await thief.line(/listens (\d+)/)
    const lured = await page.context().newPage()
    await lured.goto(`http://127.0.0.1:${port}/`)
    const [, stolen = ''] = await thief.line(/cookie (pontage-visit\S+)/)
    const asThief = ['-H', `Cookie: ${stolen}`]
    expect(await curl(...asThief, `${base()}/`)).toBe('200')
    expect(await curl(...asThief, `${base()}/read/account`)).toBe('401')
    expect(await curl(...asThief, `${base()}/live`)).toBe('401')
    const deed = ['-H', 'content-type: application/json', '-d', '{}', `${base()}/do/disconnect`]
    expect(await curl(...asThief, '-H', `Origin: ${base()}`, ...deed)).toBe('401')
    await lured.close()
    await thief.stop('SIGKILL')
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
    // Whoever starts it anew gets new links: the old visit is no way in, and is told so.
    await start('--page-port', new URL(links.act).port)
    await page.getByText('This visit is over: the pages were started anew.').waitFor()
  })
})
