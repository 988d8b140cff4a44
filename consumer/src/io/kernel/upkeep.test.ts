import { afterEach, expect, it } from 'vitest'
import { keepInForce, type Part, type Upkeep } from './upkeep.js'

let upkeep: Upkeep
afterEach(() => upkeep.close())

/** A part for devices that come and go, of which a kernel is told. */
class Devices {
  present = 'lan0'
  inKernel = 'nothing'
  /** Happens once the kernel was told, before it is looked at. */
  meanwhile = () => {}
  readonly part: Part = {
    right: '',
    lookEveryMs: 1,
    look: async () => (this.present === this.inKernel ? '' : `${this.inKernel} in place of ${this.present}`),
    apply: async () => {
      this.inKernel = this.present
      this.meanwhile()
    },
  }
}

const untilInForce = async ({ part }: Devices) => {
  while ((await part.look()) !== '') await new Promise((resolve) => setTimeout(resolve, 10))
}

it('has in force what came while something was put in force', async () => {
  const devices = new Devices()
  upkeep = keepInForce({ tell: () => {} })
  devices.meanwhile = () => {
    devices.present = 'lan1'
    devices.meanwhile = () => {}
  }
  await upkeep.put('guests', devices.part)
  await untilInForce(devices)
  expect(devices.inKernel).toBe('lan1')
})

it('has in force again what came back while it was taken out', async () => {
  const devices = new Devices()
  upkeep = keepInForce({ tell: () => {} })
  await upkeep.put('guests', devices.part)
  devices.meanwhile = () => {
    devices.present = 'lan0'
    devices.meanwhile = () => {}
  }
  devices.present = ''
  await untilInForce(devices)
  expect(devices.inKernel).toBe('lan0')
})

it('has in force again what was taken away before it was read back, at once or in the next round', async () => {
  let stands = false
  let flushes = 1
  upkeep = keepInForce({ tell: () => {} })
  await upkeep.put('firewall', {
    gone: '',
    look: async () => (stands ? 'rules' : ''),
    apply: async () => {
      stands = flushes-- <= 0
    },
  })
  expect(stands).toBe(true)
  flushes = 2
  await upkeep.put('firewall', {
    gone: '',
    look: async () => (stands ? 'rules' : ''),
    apply: async () => {
      stands = flushes-- <= 0
    },
  })
  expect(stands).toBe(false)
  while (!stands) await new Promise((resolve) => setTimeout(resolve, 10))
})

it('keeps what was put in force but could not be looked at then', async () => {
  let stands = false
  let isBusy = true
  upkeep = keepInForce({ tell: () => {} })
  await upkeep.put('firewall', {
    look: async () => {
      if (isBusy) throw new Error('nft is busy.')
      return stands ? 'rules' : ''
    },
    apply: async () => {
      stands = true
    },
  })
  isBusy = false
  stands = false
  while (!stands) await new Promise((resolve) => setTimeout(resolve, 10))
})

it('tells once of what cannot be put in force, and tries on', async () => {
  const told: object[] = []
  upkeep = keepInForce({ tell: (interference) => told.push(interference) })
  let tries = 0
  let isWhole = true
  await upkeep.put('firewall', {
    right: '',
    lookEveryMs: 1,
    look: async () => (isWhole ? '' : 'gone'),
    apply: async () => {
      if (isWhole) return
      tries++
      throw new Error('No room.')
    },
  })
  isWhole = false
  while (tries < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(told).toEqual([{ part: 'firewall', problem: 'No room.' }])
})
