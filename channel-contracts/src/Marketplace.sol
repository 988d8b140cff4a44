// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IIdentityRegistry} from "./interfaces/IIdentityRegistry.sol";
import {IMarketplace, MarketSettings, OfferView, Proposal, SessionTerms} from "./interfaces/IMarketplace.sol";
import {Domain} from "./Domain.sol";
import {Documents} from "./libraries/Documents.sol";
import {Signatures} from "./libraries/Signatures.sol";

/// @title Offers, and the guard over their prices; see IMarketplace.
contract Marketplace is IMarketplace, Domain, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Signatures for bytes;

    /// @dev Prices in force from `since`, until the next one.
    struct Price {
        uint48 since;
        uint104 perMegabyte;
        uint104 perHour;
    }

    struct Offer {
        uint64 issuedAt;
        bool live;
    }

    uint8 private constant PROVIDER = 2;
    uint256 private constant WHOLE = 10_000;
    /// @dev A signed offer may be this far ahead of the chain's clock.
    uint256 private constant CLOCK_SLACK = 1 hours;
    /// @dev Terms may quote a price this long after it fell: clocks differ, and so do blocks.
    uint64 private constant TERMS_SLACK = 2 minutes;
    uint256 private constant MAXIMUM_SERVICE = 32;
    uint256 private constant MAXIMUM_TEXT = 256;
    uint256 private constant MAXIMUM_HUBS = 32;

    IIdentityRegistry private immutable _REGISTRY;
    IERC20 private immutable _TOKEN;
    uint16 private immutable _MAX_RAISE_BPS;
    uint64 private immutable _RAISE_NOTICE;
    uint256 private immutable _OVERCHARGE_PENALTY;

    mapping(address provider => Offer) private _offers;
    mapping(address provider => Price[]) private _prices;
    mapping(bytes32 termsDigest => bool) private _reported;

    /// @param registry_ Must have been told this contract's address.
    constructor(IIdentityRegistry registry_, MarketSettings memory settings_) {
        if (
            registry_.marketplace() != address(this) || settings_.maxRaiseBps > WHOLE
                || settings_.raiseNotice == 0 || settings_.raiseNotice > 1 days
                || settings_.overchargePenalty == 0
        ) revert BadSettings();
        _REGISTRY = registry_;
        _TOKEN = IERC20(registry_.token());
        _MAX_RAISE_BPS = settings_.maxRaiseBps;
        _RAISE_NOTICE = settings_.raiseNotice;
        _OVERCHARGE_PENALTY = settings_.overchargePenalty;
    }

    /// @inheritdoc IMarketplace
    function publish(Proposal calldata proposal, bytes calldata signature) external {
        address provider = proposal.provider;
        Offer memory last = _offers[provider];
        // Check: signed by a provider with stake, and newer than all it published or withdrew before.
        if (proposal.issuedAt <= last.issuedAt) {
            revert StaleProposal(provider, proposal.issuedAt, last.issuedAt);
        }
        if (proposal.issuedAt > block.timestamp + CLOCK_SLACK) {
            revert ProposalFromTheFuture(proposal.issuedAt, block.timestamp);
        }
        _checkTexts(proposal);
        if (!_REGISTRY.isActive(provider, PROVIDER)) revert NotActive(provider, PROVIDER);
        bytes32 digest = _digest(Documents.hashProposal(proposal));
        if (!signature.isBy(provider, digest)) revert WrongSigner(provider);
        // Effect.
        uint64 effectiveAt =
            _setPrice(provider, _price(proposal.pricePerMegabyte), _price(proposal.pricePerHour));
        _offers[provider] = Offer(proposal.issuedAt, true);
        emit ProposalPublished(provider, proposal, signature, effectiveAt);
    }

    /// @inheritdoc IMarketplace
    function withdrawOffer() external {
        // Check.
        if (!_offers[msg.sender].live) revert NoOffer(msg.sender);
        // Effect: an older signed offer cannot be published again; prices stay guarded.
        uint64 now_ = uint64(block.timestamp);
        uint64 issuedAt = _offers[msg.sender].issuedAt;
        _offers[msg.sender] = Offer(issuedAt > now_ ? issuedAt : now_, false);
        emit ProposalWithdrawn(msg.sender);
    }

    /// @inheritdoc IMarketplace
    function reportOvercharge(SessionTerms calldata terms, bytes calldata signature)
        external
        nonReentrant
        returns (uint256 paid)
    {
        bytes32 digest = _digest(Documents.hashSessionTerms(terms));
        // Check: signed by the provider, dearer than its price then, and not punished yet.
        if (_reported[digest]) revert AlreadyReported(digest);
        if (!signature.isBy(terms.provider, digest)) revert WrongSigner(terms.provider);
        (uint256 perMegabyte, uint256 perHour) = _dearestAround(terms.provider, terms.issuedAt);
        if (terms.pricePerMegabyte <= perMegabyte && terms.pricePerHour <= perHour) {
            revert NotOvercharged(terms.pricePerMegabyte, perMegabyte);
        }
        // Effect: once.
        _reported[digest] = true;
        // Interaction: half of what the stake loses goes to where the consumer has its income, half is burned.
        paid = _REGISTRY.slash(terms.provider, _OVERCHARGE_PENALTY, _OVERCHARGE_PENALTY);
        emit OverchargeProven(terms.provider, terms.consumer, digest, paid);
        if (paid > 0) _TOKEN.safeTransfer(_REGISTRY.beneficiaryOf(terms.consumer), paid);
    }

    /// @inheritdoc IMarketplace
    function priceAt(address provider, uint64 time)
        external
        view
        returns (uint256 pricePerMegabyte, uint256 pricePerHour)
    {
        Price[] storage prices = _prices[provider];
        uint256 following = _firstAfter(prices, time);
        if (following == 0) revert NoPriceAt(provider, time);
        return (prices[following - 1].perMegabyte, prices[following - 1].perHour);
    }

    /// @inheritdoc IMarketplace
    function offerOf(address provider) external view returns (OfferView memory offer) {
        Price[] storage prices = _prices[provider];
        offer.live = _offers[provider].live;
        offer.issuedAt = _offers[provider].issuedAt;
        uint256 count = prices.length;
        if (count == 0) return offer;
        Price memory current = prices[_firstAfter(prices, block.timestamp) - 1];
        Price memory next = prices[count - 1];
        offer.pricePerMegabyte = current.perMegabyte;
        offer.pricePerHour = current.perHour;
        offer.nextPricePerMegabyte = next.perMegabyte;
        offer.nextPricePerHour = next.perHour;
        offer.nextAt = next.since > block.timestamp ? next.since : 0;
    }

    /// @inheritdoc IMarketplace
    function settings() external view returns (MarketSettings memory) {
        return MarketSettings(_MAX_RAISE_BPS, _RAISE_NOTICE, _OVERCHARGE_PENALTY);
    }

    /// @inheritdoc IMarketplace
    function registry() external view returns (address) {
        return address(_REGISTRY);
    }

    /// @dev The first price is free. Later ones may fall at will, and rise above the lowest of the last day by a
    /// bounded share, after the notice. An announced price that is not in force yet is replaced.
    function _setPrice(address provider, uint104 perMegabyte, uint104 perHour)
        private
        returns (uint64 effectiveAt)
    {
        Price[] storage prices = _prices[provider];
        effectiveAt = uint64(block.timestamp);
        uint256 count = prices.length;
        if (count > 0) {
            if (prices[count - 1].since > block.timestamp) {
                prices.pop();
                --count;
            }
            Price memory current = prices[count - 1];
            if (perMegabyte > current.perMegabyte || perHour > current.perHour) {
                effectiveAt += _RAISE_NOTICE;
                _checkRaise(provider, prices, effectiveAt, perMegabyte, perHour);
            }
            if (current.perMegabyte == perMegabyte && current.perHour == perHour) return effectiveAt;
            // One price a second: else so many would fit into the slack that no overcharge could be proven among them.
            if (current.since == effectiveAt) prices.pop();
        }
        prices.push(Price(SafeCast.toUint48(effectiveAt), perMegabyte, perHour));
    }

    function _checkRaise(
        address provider,
        Price[] storage prices,
        uint256 effectiveAt,
        uint256 perMegabyte,
        uint256 perHour
    ) private view {
        uint256 newest = prices.length - 1;
        (uint256 megabyteNow, uint256 hourNow) = (prices[newest].perMegabyte, prices[newest].perHour);
        (uint256 lowestMegabyte, uint256 lowestHour) = (megabyteNow, hourNow);
        // Prices that were in force less than a day before this one will be.
        for (uint256 i = newest; i > 0 && prices[i].since + 1 days > effectiveAt; --i) {
            Price memory earlier = prices[i - 1];
            if (earlier.perMegabyte < lowestMegabyte) lowestMegabyte = earlier.perMegabyte;
            if (earlier.perHour < lowestHour) lowestHour = earlier.perHour;
        }
        uint256 limit = _raised(lowestMegabyte);
        if (perMegabyte > megabyteNow && perMegabyte > limit) {
            revert RaiseTooLarge(provider, perMegabyte, limit);
        }
        limit = _raised(lowestHour);
        if (perHour > hourNow && perHour > limit) revert RaiseTooLarge(provider, perHour, limit);
    }

    function _raised(uint256 price) private view returns (uint256) {
        uint256 step = price * _MAX_RAISE_BPS / WHOLE;
        return price + (step == 0 ? 1 : step);
    }

    /// @dev The dearest of each price in force within the slack before `time`: no more than one a second.
    function _dearestAround(address provider, uint64 time)
        private
        view
        returns (uint256 perMegabyte, uint256 perHour)
    {
        Price[] storage prices = _prices[provider];
        uint256 i = time > block.timestamp ? 0 : _firstAfter(prices, time);
        if (i == 0) revert NoPriceAt(provider, time);
        do {
            Price memory price = prices[--i];
            if (price.perMegabyte > perMegabyte) perMegabyte = price.perMegabyte;
            if (price.perHour > perHour) perHour = price.perHour;
            if (uint256(price.since) + TERMS_SLACK < time) break;
        } while (i > 0);
    }

    /// @dev Index of the first price that is not in force yet at `time`.
    function _firstAfter(Price[] storage prices, uint256 time) private view returns (uint256 low) {
        uint256 high = prices.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (prices[middle].since > time) high = middle;
            else low = middle + 1;
        }
    }

    /// @dev Whoever reads offers reads all of them: one must not be a burden to those who look for another.
    function _checkTexts(Proposal calldata proposal) private pure {
        _checkLength(bytes(proposal.service).length, MAXIMUM_SERVICE);
        _checkLength(bytes(proposal.endpoint).length, MAXIMUM_TEXT);
        _checkLength(bytes(proposal.exitPolicy).length, MAXIMUM_TEXT);
        _checkLength(proposal.hubs.length, MAXIMUM_HUBS);
        bytes calldata country = bytes(proposal.country);
        if (country.length != 2 || !_isCapital(country[0]) || !_isCapital(country[1])) {
            revert NotACountry(proposal.country);
        }
    }

    function _checkLength(uint256 length, uint256 maximum) private pure {
        if (length > maximum) revert OfferTooLong(length, maximum);
    }

    function _isCapital(bytes1 letter) private pure returns (bool) {
        return letter >= "A" && letter <= "Z";
    }

    function _price(uint256 price) private pure returns (uint104) {
        if (price > type(uint104).max) revert PriceTooLarge(price, type(uint104).max);
        return SafeCast.toUint104(price);
    }
}
