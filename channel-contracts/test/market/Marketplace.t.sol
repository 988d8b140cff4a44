// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Marketplace} from "../../src/Marketplace.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {
    IMarketplace,
    MarketSettings,
    OfferView,
    Proposal,
    SessionTerms
} from "../../src/interfaces/IMarketplace.sol";
import {World} from "../World.sol";

contract MarketplaceTest is World {
    uint64 private issued = uint64(START) - 1_000;

    function _proposal(uint256 perMegabyte, uint256 perHour) private returns (Proposal memory proposal) {
        proposal = Proposal({
            provider: provider,
            service: "wireguard",
            pricePerMegabyte: perMegabyte,
            pricePerHour: perHour,
            country: "SI",
            endpoint: "wss://p.example:8443",
            wireguardKey: keccak256("key"),
            certificate: keccak256("certificate"),
            exitPolicy: "reject 25",
            hubs: new address[](1),
            issuedAt: ++issued
        });
        proposal.hubs[0] = hub;
    }

    function _publish(uint256 perMegabyte, uint256 perHour) private {
        Proposal memory proposal = _proposal(perMegabyte, perHour);
        marketplace.publish(proposal, _signProposal(proposal));
    }

    function _refused(bytes memory problem, uint256 perMegabyte, uint256 perHour) private {
        Proposal memory proposal = _proposal(perMegabyte, perHour);
        bytes memory signature = _signProposal(proposal);
        vm.expectRevert(problem);
        marketplace.publish(proposal, signature);
    }

    function _priceNow() private view returns (uint256 perMegabyte) {
        (perMegabyte,) = marketplace.priceAt(provider, uint64(block.timestamp));
    }

    // ------------------------------------------------------------- publishing

    function test_the_event_holds_the_whole_offer() public {
        Proposal memory proposal = _proposal(100, 7);
        bytes memory signature = _signProposal(proposal);
        vm.expectEmit();
        emit IMarketplace.ProposalPublished(provider, proposal, signature, uint64(START));
        vm.prank(relayer);
        marketplace.publish(proposal, signature);
        OfferView memory offer = marketplace.offerOf(provider);
        assertTrue(offer.live, "live");
        assertEq(offer.issuedAt, proposal.issuedAt, "issued");
        assertEq(offer.pricePerMegabyte, 100, "price");
        assertEq(offer.pricePerHour, 7, "price");
        assertEq(offer.nextPricePerMegabyte, 100, "no other price to come");
        assertEq(offer.nextPricePerHour, 7, "no other price to come");
        assertEq(offer.nextAt, 0, "no other price to come");
    }

    function testFuzz_a_changed_offer_is_refused(uint8 field) public {
        Proposal memory proposal = _proposal(100, 7);
        bytes memory signature = _signProposal(proposal);
        uint256 kind = bound(field, 0, 9);
        if (kind == 0) proposal.service = "x";
        if (kind == 1) proposal.pricePerMegabyte += 1;
        if (kind == 2) proposal.pricePerHour += 1;
        if (kind == 3) proposal.country = "AT";
        if (kind == 4) proposal.endpoint = "x";
        if (kind == 5) proposal.wireguardKey = 0;
        if (kind == 6) proposal.certificate = 0;
        if (kind == 7) proposal.exitPolicy = "x";
        if (kind == 8) proposal.hubs[0] = relayer;
        if (kind == 9) proposal.issuedAt += 1;
        vm.expectRevert(abi.encodeWithSelector(IMarketplace.WrongSigner.selector, provider));
        marketplace.publish(proposal, signature);
    }

    function test_only_newer_offers_of_providers_in_good_standing() public {
        Proposal memory proposal = _proposal(100, 7);
        bytes memory signature = _signProposal(proposal);
        marketplace.publish(proposal, signature);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarketplace.StaleProposal.selector, provider, proposal.issuedAt, proposal.issuedAt
            )
        );
        marketplace.publish(proposal, signature);
        issued = uint64(START) + 1 hours;
        _refused(
            abi.encodeWithSelector(
                IMarketplace.ProposalFromTheFuture.selector, uint64(START) + 1 hours + 1, START
            ),
            100,
            7
        );
        issued = uint64(START) + 1 hours - 1;
        _publish(100, 7);
        vm.prank(provider);
        registry.requestUnbonding(100 * WHOLE);
        vm.warp(START + 10);
        _refused(abi.encodeWithSelector(IMarketplace.NotActive.selector, provider, PROVIDER), 100, 7);
    }

    function test_a_withdrawn_offer_cannot_be_published_again() public {
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IMarketplace.NoOffer.selector, provider));
        marketplace.withdrawOffer();
        _publish(100, 7);
        Proposal memory kept = _proposal(90, 7);
        bytes memory signature = _signProposal(kept);
        vm.expectEmit();
        emit IMarketplace.ProposalWithdrawn(provider);
        vm.prank(provider);
        marketplace.withdrawOffer();
        assertTrue(!marketplace.offerOf(provider).live, "withdrawn");
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarketplace.StaleProposal.selector, provider, kept.issuedAt, uint64(START)
            )
        );
        marketplace.publish(kept, signature);
    }

    function test_withdrawing_an_offer_dated_ahead_keeps_its_date() public {
        issued = uint64(START) + 100;
        _publish(100, 7);
        vm.prank(provider);
        marketplace.withdrawOffer();
        assertEq(marketplace.offerOf(provider).issuedAt, START + 101, "not before the last");
    }

    function test_prices_fit_their_field() public {
        _publish(type(uint104).max, type(uint104).max);
        _refused(
            abi.encodeWithSelector(IMarketplace.PriceTooLarge.selector, uint256(1) << 104, type(uint104).max),
            uint256(1) << 104,
            0
        );
        _refused(
            abi.encodeWithSelector(IMarketplace.PriceTooLarge.selector, uint256(1) << 104, type(uint104).max),
            0,
            uint256(1) << 104
        );
    }

    // ------------------------------------------------------------ price guard

    function test_a_price_falls_at_will() public {
        _publish(100, 7);
        vm.warp(START + 1);
        _publish(1, 0);
        assertEq(_priceNow(), 1, "at once");
    }

    /// @notice I11: within any day a price rises by the share at most, and by one step at least.
    function testFuzz_a_price_rises_by_a_share_after_the_notice(uint104 price_) public {
        uint256 price = bound(price_, 0, type(uint104).max / 2);
        uint256 step = price / 10 == 0 ? 1 : price / 10;
        _publish(price, 7);
        vm.warp(START + 2 days);
        _refused(
            abi.encodeWithSelector(
                IMarketplace.RaiseTooLarge.selector, provider, price + step + 1, price + step
            ),
            price + step + 1,
            7
        );
        _publish(price + step, 7);
        OfferView memory offer = marketplace.offerOf(provider);
        assertEq(offer.pricePerMegabyte, price, "not yet");
        assertEq(offer.nextPricePerMegabyte, price + step, "announced");
        assertEq(offer.nextAt, block.timestamp + RAISE_NOTICE, "when");
        vm.warp(block.timestamp + RAISE_NOTICE - 1);
        assertEq(_priceNow(), price, "not yet");
        vm.warp(block.timestamp + 1);
        assertEq(_priceNow(), price + step, "now");
    }

    function test_the_hourly_price_is_guarded_too() public {
        _publish(100, 100);
        vm.warp(START + 2 days);
        _refused(
            abi.encodeWithSelector(IMarketplace.RaiseTooLarge.selector, provider, uint256(111), uint256(110)),
            50,
            111
        );
        _publish(50, 110);
        assertEq(_priceNow(), 100, "both wait for a raise of either");
        vm.warp(block.timestamp + RAISE_NOTICE);
        assertEq(_priceNow(), 50, "now");
    }

    function test_each_price_has_its_own_limit() public {
        _publish(1_000, 10);
        vm.warp(START + 2 days);
        _refused(
            abi.encodeWithSelector(IMarketplace.RaiseTooLarge.selector, provider, uint256(12), uint256(11)),
            1_000,
            12
        );
        _refused(
            abi.encodeWithSelector(
                IMarketplace.RaiseTooLarge.selector, provider, uint256(1_101), uint256(1_100)
            ),
            1_101,
            11
        );
        _publish(1_100, 11);
    }

    function test_either_price_may_change_alone() public {
        _publish(100, 7);
        _publish(100, 5);
        (uint256 perMegabyte, uint256 perHour) = marketplace.priceAt(provider, uint64(START));
        assertEq(perMegabyte, 100, "per megabyte");
        assertEq(perHour, 5, "per hour");
        _publish(90, 5);
        (perMegabyte, perHour) = marketplace.priceAt(provider, uint64(START));
        assertEq(perMegabyte, 90, "per megabyte");
        assertEq(perHour, 5, "per hour");
    }

    function test_a_dip_of_the_hourly_price_counts_for_a_day_too() public {
        _publish(100, 100);
        vm.warp(START + 2 days);
        _publish(100, 50);
        vm.warp(block.timestamp + 2 hours);
        _publish(100, 55);
        vm.warp(block.timestamp + RAISE_NOTICE);
        _refused(
            abi.encodeWithSelector(IMarketplace.RaiseTooLarge.selector, provider, uint256(60), uint256(55)),
            100,
            60
        );
    }

    function test_raises_in_a_row_within_a_day_count_together() public {
        _publish(100, 7);
        vm.warp(START + 2 days);
        _publish(105, 7);
        vm.warp(block.timestamp + RAISE_NOTICE);
        _refused(
            abi.encodeWithSelector(IMarketplace.RaiseTooLarge.selector, provider, uint256(111), uint256(110)),
            111,
            7
        );
        _publish(110, 7);
        vm.warp(block.timestamp + RAISE_NOTICE);
        assertEq(_priceNow(), 110, "now");
        // The lowest price of the last day is 105 as soon as 100 has been gone for a day.
        vm.warp(START + 2 days + RAISE_NOTICE + 1 days - RAISE_NOTICE - 1);
        _refused(
            abi.encodeWithSelector(IMarketplace.RaiseTooLarge.selector, provider, uint256(115), uint256(110)),
            115,
            7
        );
        vm.warp(block.timestamp + 1);
        _publish(115, 7);
    }

    /// @notice Cheap until rivals are gone, then dear: the dip counts for a day.
    function test_a_dip_counts_for_a_day() public {
        _publish(100, 7);
        vm.warp(START + 2 days);
        _publish(10, 7);
        vm.warp(block.timestamp + 10 hours);
        _publish(11, 7);
        vm.warp(block.timestamp + RAISE_NOTICE);
        assertEq(_priceNow(), 11, "one step");
        _refused(
            abi.encodeWithSelector(IMarketplace.RaiseTooLarge.selector, provider, uint256(12), uint256(11)),
            12,
            7
        );
        vm.prank(provider);
        marketplace.withdrawOffer();
        issued = uint64(block.timestamp);
        _refused(
            abi.encodeWithSelector(IMarketplace.RaiseTooLarge.selector, provider, uint256(100), uint256(11)),
            100,
            7
        );
    }

    function test_an_announced_raise_is_replaced() public {
        _publish(100, 7);
        vm.warp(START + 2 days);
        _publish(110, 7);
        vm.warp(block.timestamp + 10);
        _publish(100, 7);
        assertEq(marketplace.offerOf(provider).nextAt, 0, "none to come");
        vm.warp(block.timestamp + 1 days);
        assertEq(_priceNow(), 100, "cancelled");
        _publish(110, 7);
        _publish(109, 7);
        vm.warp(block.timestamp + RAISE_NOTICE);
        assertEq(_priceNow(), 109, "replaced");
    }

    function test_price_at_any_time() public {
        vm.expectRevert(abi.encodeWithSelector(IMarketplace.NoPriceAt.selector, provider, uint64(START)));
        marketplace.priceAt(provider, uint64(START));
        for (uint256 i = 0; i < 6; ++i) {
            vm.warp(START + i * 100);
            _publish(100 - i, 10 - i);
        }
        vm.expectRevert(abi.encodeWithSelector(IMarketplace.NoPriceAt.selector, provider, uint64(START) - 1));
        marketplace.priceAt(provider, uint64(START) - 1);
        for (uint256 t = 0; t < 600; t += 50) {
            (uint256 perMegabyte, uint256 perHour) = marketplace.priceAt(provider, uint64(START + t));
            assertEq(perMegabyte, 100 - t / 100, "per megabyte");
            assertEq(perHour, 10 - t / 100, "per hour");
        }
        assertTrue(!marketplace.offerOf(relayer).live, "no offer");
    }

    // ------------------------------------------------------------- overcharge

    function _terms(uint256 perMegabyte, uint256 perHour, uint64 issuedAt)
        private
        view
        returns (SessionTerms memory)
    {
        return SessionTerms(
            provider, consumer, bytes32(uint256(1)), perMegabyte, perHour, 2_000_000, issuedAt, issuedAt + 60
        );
    }

    /// @notice However often a provider lowers its price in one second, its overcharge is proven for as little gas.
    function test_no_crowd_of_prices_in_one_second_hides_an_overcharge() public {
        _publish(1_000, 7);
        vm.warp(START + 10);
        for (uint256 i = 1; i < 200; ++i) {
            _publish(1_000 - i, 7);
        }
        vm.warp(START + 11);
        SessionTerms memory terms = _terms(1_001, 7, uint64(START + 10));
        bytes memory signature = _signTerms(terms);
        uint256 before = gasleft();
        marketplace.reportOvercharge(terms, signature);
        assertTrue(before - gasleft() < 150_000, "no more than for one price");
        assertEq(_priceNow(), 801, "the last one counts");
        // What fell in the slack may still be quoted, dearer may not.
        terms = _terms(1_000, 7, uint64(START + 11));
        signature = _signTerms(terms);
        vm.expectPartialRevert(IMarketplace.NotOvercharged.selector);
        marketplace.reportOvercharge(terms, signature);
    }

    function test_dearer_terms_cost_stake() public {
        _publish(100, 7);
        SessionTerms memory terms = _terms(101, 7, uint64(START));
        bytes memory signature = _signTerms(terms);
        uint256 before = token.balanceOf(consumer);
        vm.prank(relayer);
        assertEq(marketplace.reportOvercharge(terms, signature), PENALTY, "paid");
        assertEq(token.balanceOf(consumer) - before, PENALTY, "to the consumer, whoever reports");
        assertEq(registry.burned(), PENALTY, "burned");
        (uint128 stake, uint32 faults, uint256 debt) = registry.securityOf(provider);
        assertEq(stake, 90 * WHOLE, "stake");
        assertEq(faults, 1, "fault");
        assertEq(debt, 0, "no debt");
        vm.expectPartialRevert(IMarketplace.AlreadyReported.selector);
        marketplace.reportOvercharge(terms, signature);
        assertEq(token.balanceOf(address(marketplace)), 0, "nothing stays");
    }

    function test_the_hourly_price_alone_suffices() public {
        _publish(100, 7);
        SessionTerms memory terms = _terms(1, 8, uint64(START));
        marketplace.reportOvercharge(terms, _signTerms(terms));
    }

    function test_an_empty_stake_pays_nothing() public {
        _publish(100, 7);
        vm.startPrank(provider);
        registry.requestUnbonding(100 * WHOLE);
        vm.warp(START + UNBONDING);
        registry.withdrawStake();
        vm.stopPrank();
        SessionTerms memory terms = _terms(101, 7, uint64(START));
        assertEq(marketplace.reportOvercharge(terms, _signTerms(terms)), 0, "nothing there");
        (, uint32 faults,) = registry.securityOf(provider);
        assertEq(faults, 1, "fault");
    }

    function test_fair_terms_prove_nothing() public {
        _publish(100, 7);
        SessionTerms memory terms = _terms(100, 7, uint64(START));
        bytes memory signature = _signTerms(terms);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketplace.NotOvercharged.selector, uint256(100), uint256(100))
        );
        marketplace.reportOvercharge(terms, signature);
    }

    function test_terms_from_before_or_after_prove_nothing() public {
        _publish(100, 7);
        for (uint256 i = 0; i < 2; ++i) {
            SessionTerms memory terms = _terms(1_000, 7, uint64(i == 0 ? START - 1 : START + 1));
            bytes memory signature = _signTerms(terms);
            vm.expectRevert(abi.encodeWithSelector(IMarketplace.NoPriceAt.selector, provider, terms.issuedAt));
            marketplace.reportOvercharge(terms, signature);
        }
    }

    function test_terms_may_quote_a_price_shortly_after_it_fell() public {
        _publish(100, 7);
        vm.warp(START + 1_000);
        _publish(50, 5);
        vm.warp(START + 5_000);
        SessionTerms memory terms = _terms(100, 7, uint64(START) + 1_000 + 120);
        bytes memory signature = _signTerms(terms);
        vm.expectPartialRevert(IMarketplace.NotOvercharged.selector);
        marketplace.reportOvercharge(terms, signature);
        terms = _terms(100, 7, uint64(START) + 1_000 + 121);
        marketplace.reportOvercharge(terms, _signTerms(terms));
    }

    // --------------------------------------------------------------- settings

    function test_settings_are_as_deployed() public view {
        assertEq(
            keccak256(abi.encode(marketplace.settings())),
            keccak256(abi.encode(_marketSettings())),
            "settings"
        );
        assertEq(marketplace.registry(), address(registry), "registry");
    }

    function test_bad_settings_are_refused() public {
        vm.expectRevert(IMarketplace.BadSettings.selector);
        new Marketplace(registry, _marketSettings());
        for (uint256 kind = 0; kind < 5; ++kind) {
            uint256 nonce = vm.getNonce(address(this));
            MarketRegistry other =
                new MarketRegistry(address(token), vm.computeCreateAddress(address(this), nonce + 1));
            MarketSettings memory settings = MarketSettings(10_000, 1 days, 1);
            if (kind == 0) settings.maxRaiseBps = 10_001;
            if (kind == 1) settings.raiseNotice = 1 days + 1;
            if (kind == 2) settings.overchargePenalty = 0;
            if (kind == 3) settings.raiseNotice = 0;
            if (kind < 4) vm.expectRevert(IMarketplace.BadSettings.selector);
            new Marketplace(IIdentityRegistry(address(other)), settings);
        }
    }
}

/// @notice As much of a registry as the constructor asks.
contract MarketRegistry {
    address public token;
    address public marketplace;

    constructor(address token_, address marketplace_) {
        token = token_;
        marketplace = marketplace_;
    }
}
