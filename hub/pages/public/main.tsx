import { show } from '../../../shared/pages/show.js'
import '../hub.css'
import { LiabilitiesPage } from './liabilities.js'
import { MarketPage } from './market.js'
import { OffersPage } from './offers.js'
import { texts } from './texts.js'

show(texts.program, texts.tabs, { offers: OffersPage, market: MarketPage, liabilities: LiabilitiesPage }, [])
