export { lookup } from './dns.js'
