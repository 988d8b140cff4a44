import { describe, expect, it } from 'vitest'
import { judgeEndpoint } from './endpoint.js'

describe('an endpoint', () => {
  it('is offered when somebody can reach it', () => {
    for (const addresses of [['203.0.113.7'], ['2001:db8::7'], ['203.0.113.7', '2001:db8::7'], []])
      expect(judgeEndpoint({ host: 'vpn.example.org', addresses, listen: '::' })).toBeUndefined()
    const listen = '0.0.0.0'
    expect(judgeEndpoint({ host: 'x', addresses: ['2001:db8::7', '203.0.113.7'], listen })).toBeUndefined()
  })

  it('is refused when nobody listens on its family', () => {
    const said = judgeEndpoint({ host: 'six.example.org', addresses: ['2001:db8::7'], listen: '0.0.0.0' })
    expect(said).toContain('six.example.org is reached by IPv6 only')
    expect(said).toContain('--host ::')
  })

  it.each(['0.0.0.0', '::'])('is refused when it is %s, which is no address of anybody', (address) => {
    expect(judgeEndpoint({ host: address, addresses: [address], listen: '::' })).toContain('public address')
  })
})
