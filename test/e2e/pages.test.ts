import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { qrCode } from '@pontage/shared/node'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  barriers,
  bitmapOf,
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
  terminalSeen,
  writeFilm,
} from '../world/index.js'

// What a consumer does who would rather look than type: a real browser, the real program, money and traffic.

let market: Market
let hub: Awaited<ReturnType<typeof openHub>>
let provider: Awaited<ReturnType<typeof openProvider>>
let consumer: Person
let browser: Browser
let page: Page
let links: { readonly program: Program; readonly act: string; readonly read: string }
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
async function start(...flags: readonly string[]) {
  const program = consumer.start([
    'ui',
    '--no-open',
    '--password-file',
    join(consumer.host.home, 'password'),
    ...flags,
  ])
  const [, act = ''] = await program.line(/Open this once.*(http:\S+)/)
  const [, read = ''] = await program.line(/looking only.*(http:\S+)/)
  return { program, act, read }
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

  it('scans an invitation with the camera, which is switched on for that alone', async () => {
    const flags = ['--price', '0.03/GB', '--country', 'DE', '--hub', hub.address]
    const printed = await provider.run('invite', '--endpoint', provider.host.at(7_800), ...flags)
    const link = printed.split('\n').find((line) => line.startsWith('pontage:')) ?? ''
    const seen = terminalSeen(printed.slice(printed.indexOf(link) + link.length + 1).trimEnd())
    const film = join(consumer.host.home, 'film.y4m')
    writeFilm(film, seen)
    const own = await start()
    const away = await openBrowser(consumer.host, [
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${film}`,
    ])
    onTestFinished(async () => {
      await away.close()
      await own.program.stop('SIGTERM', 5_000)
    })
    const context = await away.newContext({ viewport: { width: 360, height: 844 } })
    const pages = await context.newPage()
    const wrong: string[] = []
    pages.on('console', (message) => {
      if (message.type() === 'error') wrong.push(message.text())
    })
    pages.on('pageerror', (error) => wrong.push(error.message))
    // Counts how often the browser was asked for a camera, and how many are on.
    await pages.addInitScript(`{
      const devices = navigator.mediaDevices, get = devices.getUserMedia.bind(devices)
      window.asked = 0
      window.streams = []
      devices.getUserMedia = async (wanted) => {
        window.asked++
        const stream = await get(wanted)
        window.streams.push(stream)
        return stream
      }
    }`)
    const asked = () => pages.evaluate<number>('asked')
    const isOn = () => pages.evaluate<boolean>('streams.some((each) => each.active)')
    const press = (name: string) => pages.getByRole('button', { name, exact: true }).click()
    await pages.goto(own.act)
    await pages.getByRole('link', { name: 'Providers', exact: true }).click()
    await pages.getByRole('button', { name: 'Scan its code', exact: true }).waitFor()
    expect(await asked()).toBe(0)

    // Nobody allows it here.
    await press('Scan its code')
    await pages.getByText('These pages may not use the camera.').waitFor()
    expect(await barriers(pages)).toEqual([])
    await press('Close')
    await pages.getByRole('dialog').waitFor({ state: 'detached' })

    await context.grantPermissions(['camera'])
    await press('Scan its code')
    await pages.locator('.tile', { hasText: /Price\s*0\.03 PTT\/GB/ }).waitFor({ timeout: 60_000 })
    expect(await pages.getByLabel('Link of an invitation').inputValue()).toBe(link)
    await pages.getByRole('dialog').waitFor({ state: 'detached' })
    expect([await asked(), await isOn()]).toEqual([2, false])
    await press('Discard it')

    const choose = async (content: Buffer) =>
      pages
        .locator('input[type=file]')
        .setInputFiles({ name: 'code.bmp', mimeType: 'image/bmp', buffer: content })
    await choose(Buffer.from('no picture'))
    await pages.getByText('This file is no picture that the browser can read.').waitFor()
    await choose(bitmapOf(terminalSeen(' ')))
    await pages.getByText('No QR code can be read in this picture.').waitFor()
    await choose(bitmapOf(seen))
    await pages.locator('.tile', { hasText: /Price\s*0\.03 PTT\/GB/ }).waitFor({ timeout: 60_000 })
    expect([await barriers(pages), await overflow(pages), wrong]).toEqual([[], 0, []])

    // Whoever closes the dialog switches the camera off; another code is passed over.
    writeFilm(film, terminalSeen(qrCode('https://example.org')))
    await press('Scan its code')
    await pages.getByText('This QR code is no invitation.').waitFor({ timeout: 60_000 })
    expect([await isOn(), await barriers(pages)]).toEqual([true, []])
    await pages.keyboard.press('Escape')
    await expect.poll(isOn).toBe(false)
    await expect.poll(() => pages.evaluate('document.activeElement.textContent')).toBe('Scan its code')
  })

  it('says that there is no camera where there is none', async () => {
    await page.context().grantPermissions(['camera'])
    await goTo('Providers')
    await button('Scan its code').click()
    await page.getByText('There is no camera here.').waitFor()
    await button('Close').click()
    await page.context().clearPermissions()
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

  it('scrolls and tabs through a thousand offers, of which few are drawn', async () => {
    const addressOf = (index: number) => `0x${String(index).padStart(40, '0')}`
    const quality = { sessions: 1, throughputKbps: 20_000, score: null }
    const providers = Array.from({ length: 1_000 }, (_, index) => ({
      ...(index === 999 ? { price: '123456789012345678', country: 'IS' } : { price: '50000', country: 'DE' }),
      ...{
        pricePerHour: '0',
        stake: '1',
        faults: 0,
        registeredAt: 1_700_000_000,
        sound: true,
        latencyMs: 20,
        quality,
      },
      provider: addressOf(index),
    }))
    await page.route('**/read/providers', (route) => route.fulfill({ json: { providers } }))
    await page.reload()
    await goTo('Providers')
    const cellOf = (index: number) => page.getByTitle(addressOf(index), { exact: true })
    const row = (index: number) => page.locator(`tr[aria-rowindex="${index + 2}"]`)
    const columns = () =>
      page.evaluate(
        "[...document.querySelectorAll('thead th')].map((each) => each.getBoundingClientRect().left)",
      )
    for (const width of [1_280, 360]) {
      await page.setViewportSize({ width, height: 844 })
      await cellOf(0).waitFor()
      expect(await page.getByRole('table').first().getAttribute('aria-rowcount')).toBe('1001')
      expect(await page.locator('tbody tr').count()).toBeLessThan(150)
      expect([await barriers(page), await overflow(page)]).toEqual([[], 0])
      // To the end at once, and the rows there are where they would be if all were drawn.
      await page.evaluate("document.querySelector('.room:last-child').scrollIntoView({ block: 'end' })")
      await cellOf(999).waitFor()
      expect(await row(999).count()).toBe(1)
      expect(await barriers(page)).toEqual([])
      const atEnd = await columns()
      await page.evaluate('scrollTo(0, 0)')
      await expect.poll(() => row(999).count()).toBe(0)
      expect(await columns(), 'columns stay where they are').toEqual(atEnd)
    }
    // Row after row by keyboard, further than was drawn; what was touched stays.
    await page.setViewportSize({ width: 1_280, height: 844 })
    await row(0).getByRole('button').first().focus()
    const drawn = Number(await page.locator('tbody tr[aria-rowindex]').last().getAttribute('aria-rowindex'))
    for (let press = 0; press < 2 * (drawn + 5); press++) await page.keyboard.press('Tab')
    expect(await page.evaluate("document.activeElement.closest('tr').ariaRowIndex")).toBe(
      String(drawn + 5 + 2),
    )
    await page.evaluate('scrollTo(0, 40000)')
    await expect.poll(() => row(500).count()).toBe(0)
    expect(await page.evaluate("document.activeElement.closest('tr').isConnected")).toBe(true)
    await page.getByPlaceholder('Search').fill('iceland')
    await cellOf(999).waitFor()
    expect(await page.locator('tbody tr').count()).toBe(1)
    await page.unroute('**/read/providers')
  })

  it('is told when the program behind the pages has gone', async () => {
    await links.program.stop('SIGTERM', 5_000)
    await page.getByText('The program behind these pages does not answer.').waitFor()
    // Whoever starts it anew gets new links: the old visit is no way in, and is told so.
    await start('--page-port', new URL(links.act).port)
    await page.getByText('This visit is over: the pages were started anew.').waitFor()
  })
})
