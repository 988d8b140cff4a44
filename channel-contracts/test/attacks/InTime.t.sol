// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {IIdentityRegistry, Registration} from "../../src/interfaces/IIdentityRegistry.sol";
import {IMarketplace, Proposal} from "../../src/interfaces/IMarketplace.sol";
import {Parties} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

/// @notice What somebody tries with delays, limits and the last unit.
contract InTimeTest is World {
    address[] private none;

    // --------------------------------------------------------------- in time

    /// @notice Whenever after its exit request a consumer protests a unit of its own, a provider that looks at least once
    /// in a window is paid all. Before, it had 18 hours.
    function testFuzz_a_protest_of_one_unit_cuts_nobodys_time(uint256 small, uint256 reaction) public {
        Parties memory parties = _open(1, 100 * WHOLE);
        small = bound(small, 0, PROTEST_WINDOW);
        reaction = bound(reaction, 0, PROTEST_WINDOW);
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        if (small <= reaction) {
            vm.warp(START + small);
            _protest(parties, provider, 1);
        }
        vm.warp(START + reaction);
        bytes memory signature = _signPromise(parties, provider, 90 * WHOLE);
        try channels.protest(parties, provider, 90 * WHOLE, signature) {}
        catch {
            vm.warp(START + small + PROTEST_WINDOW);
            channels.settleProtest(parties, provider);
            channels.protest(parties, provider, 90 * WHOLE, signature);
        }
        address[] memory protesters = new address[](1);
        protesters[0] = provider;
        vm.warp(START + EXIT_DELAY);
        assertEq(channels.exit(parties, protesters), 10 * WHOLE, "the rest");
        assertEq(_tab(parties, provider).drawn, 90 * WHOLE, "paid");
        _assertConserved();
    }

    /// @notice A raised fee comes no sooner than a protest, begun a window after the raise was announced, is settled.
    function testFuzz_a_raised_fee_meets_no_promise_of_before(uint256 reaction) public {
        Parties memory parties = _open(1, 100 * WHOLE);
        vm.prank(hub);
        channels.announceFee(FEE_CAP);
        vm.warp(START + bound(reaction, 0, PROTEST_WINDOW));
        _protest(parties, provider, 50 * WHOLE);
        vm.warp(block.timestamp + PROTEST_WINDOW);
        channels.settleProtest(parties, provider);
        assertEq(channels.accountOf(hub, provider).credited, 49 * WHOLE, "2 %");
    }

    function test_a_request_to_withdraw_lapses() public {
        _fund(10 * WHOLE);
        vm.prank(hub);
        channels.requestWithdrawal(1_000 * WHOLE);
        vm.warp(START + 2 * WITHDRAWAL_DELAY);
        assertEq(channels.hubOf(hub).pendingWithdrawal, 1_000 * WHOLE, "still good");
        vm.warp(START + 2 * WITHDRAWAL_DELAY + 1);
        // What is put in now, and promised on, does not leave in the same block.
        _fund(500 * WHOLE);
        assertEq(channels.hubOf(hub).pendingWithdrawal, 0, "lapsed");
        assertEq(channels.hubOf(hub).withdrawableAt, 0, "lapsed");
        vm.prank(hub);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NoWithdrawal.selector, hub));
        channels.withdraw();
        vm.prank(hub);
        channels.requestWithdrawal(510 * WHOLE);
        vm.warp(block.timestamp + 2 * WITHDRAWAL_DELAY);
        vm.prank(hub);
        assertEq(channels.withdraw(), 510 * WHOLE, "at the last second");
        _assertConserved();
    }

    function test_a_strangers_unit_of_stake_keeps_nobody_from_unbonding_everything() public {
        vm.prank(relayer);
        registry.addStake(provider, 1);
        vm.prank(provider);
        registry.requestUnbonding(type(uint256).max);
        assertEq(registry.standingOf(provider).stake, 0, "all of it");
        assertEq(registry.standingOf(provider).unbonding, 100 * WHOLE + 1, "unbonds");
        vm.prank(provider);
        vm.expectRevert(IIdentityRegistry.ZeroAmount.selector);
        registry.requestUnbonding(type(uint256).max);
    }

    // ----------------------------------------------------- limits and last units

    /// @notice I3: the largest amounts are refused by name.
    function test_the_largest_amounts_end_in_no_panic() public {
        uint256 most = type(uint128).max;
        uint256 huge = type(uint256).max;
        Parties memory parties = _open(1, 100 * WHOLE);
        bytes memory refused = abi.encodeWithSelector(IIdentityRegistry.AmountTooLarge.selector, huge, most);
        vm.startPrank(consumer);
        vm.expectRevert(refused);
        registry.addStake(consumer, huge);
        vm.expectRevert(refused);
        registry.register(CONSUMER, huge, address(0), "");
        vm.expectRevert(refused);
        channels.deposit(parties, huge);
        vm.expectRevert(refused);
        channels.fund(hub, huge);
        vm.expectRevert(refused);
        channels.open(hub, 2, huge);
        vm.expectRevert(refused);
        registry.registerAndOpen(0, hub, 2, huge);
        // The sum must fit too.
        vm.expectRevert(
            abi.encodeWithSelector(IIdentityRegistry.AmountTooLarge.selector, most + 10 * WHOLE, most)
        );
        registry.addStake(consumer, most);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.AmountTooLarge.selector, most + 100 * WHOLE, most)
        );
        channels.deposit(parties, most);
        vm.stopPrank();
        uint256 fee = uint256(type(uint96).max) + 1;
        bytes memory signature = _signExit(parties, fee, uint64(START));
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.AmountTooLarge.selector, fee, uint256(type(uint96).max))
        );
        channels.requestExitFor(parties, fee, uint64(START), signature);
    }

    function test_nobody_is_active_in_no_role() public view {
        assertTrue(!registry.isActive(relayer, 0), "a stranger");
        assertTrue(!registry.isActive(consumer, 0), "a consumer");
    }

    function test_a_signed_registration_is_taken_back() public {
        Registration memory registration =
            Registration(relayer, PROVIDER, 50 * WHOLE, address(0), "", 0, 0, uint64(START));
        bytes memory signature = _signRegistration(registration);
        vm.expectEmit();
        emit IIdentityRegistry.SignaturesCancelled(relayer, 1);
        vm.prank(relayer);
        registry.cancelSignatures();
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongNonce.selector, relayer, 0, 1));
        registry.registerFor(registration, _noPermit(), signature);
        registration.nonce = 1;
        registry.registerFor(registration, _noPermit(), _signRegistration(registration));
        assertTrue(registry.isActive(relayer, PROVIDER), "signed anew");
    }

    /// @notice Not mended: a hub may promise its whole stake to a friend first. It costs the hub the other half, burned, and
    /// the honest provider what it had left open with this hub.
    function test_a_friend_who_redeems_first_leaves_nothing_and_burns_as_much() public {
        address friend = vm.addr(99);
        assertEq(_redeem(hub, friend, 5_000 * WHOLE), 1_000 * WHOLE, "the friend takes half");
        assertEq(registry.burned(), 1_000 * WHOLE, "the other half is burned");
        assertEq(_redeem(hub, provider, 10 * WHOLE), 0, "nothing is left");
        assertEq(registry.debtOf(hub), 4_010 * WHOLE, "the debt stands");
        assertTrue(!registry.isActive(hub, HUB), "nobody opens a channel with it");
    }

    // ------------------------------------------------------------------- offers

    function _proposal(uint256 price) private view returns (Proposal memory proposal) {
        proposal.provider = provider;
        proposal.country = "SI";
        proposal.pricePerMegabyte = price;
        proposal.issuedAt = uint64(block.timestamp);
    }

    function _publish(Proposal memory proposal) private {
        marketplace.publish(proposal, _signProposal(proposal));
    }

    function _refused(Proposal memory proposal, bytes memory problem) private {
        bytes memory signature = _signProposal(proposal);
        vm.expectRevert(problem);
        marketplace.publish(proposal, signature);
    }

    /// @notice Not mended: a price has a smallest step, and of a price of one unit it is all. Ten units take the sting.
    function test_at_a_price_of_one_unit_a_day_may_double_it() public {
        _publish(_proposal(1));
        vm.warp(START + 1);
        _publish(_proposal(2));
        vm.warp(START + 2);
        Proposal memory third = _proposal(3);
        _refused(third, abi.encodeWithSelector(IMarketplace.RaiseTooLarge.selector, provider, 3, 2));
        vm.warp(START + 30 days);
        _publish(_proposal(0));
        vm.warp(START + 60 days);
        _publish(_proposal(1));
    }

    function testFuzz_texts_that_are_too_long_are_refused(uint8 kind, uint256 excess) public {
        excess = bound(excess, 1, 1_000);
        Proposal memory proposal = _proposal(1);
        uint256 most = kind % 4 == 0 || kind % 4 == 3 ? 32 : 256;
        string memory text = string(new bytes(most));
        for (uint256 i = 0; i < 2; ++i) {
            if (kind % 4 == 0) proposal.service = text;
            if (kind % 4 == 1) proposal.endpoint = text;
            if (kind % 4 == 2) proposal.exitPolicy = text;
            if (kind % 4 == 3) proposal.hubs = new address[](bytes(text).length);
            if (i == 0) _publish(proposal);
            text = string(new bytes(most + excess));
            proposal.issuedAt += 1;
        }
        _refused(
            proposalOf(proposal, kind, most + excess),
            abi.encodeWithSelector(IMarketplace.OfferTooLong.selector, most + excess, most)
        );
    }

    function proposalOf(Proposal memory proposal, uint8 kind, uint256 length)
        private
        pure
        returns (Proposal memory)
    {
        if (kind % 4 == 3) proposal.hubs = new address[](length);
        return proposal;
    }

    function testFuzz_a_country_is_two_capitals(bytes3 text, uint8 length) public {
        bytes memory country = new bytes(bound(length, 0, 3));
        bool good = country.length == 2;
        for (uint256 i = 0; i < country.length; ++i) {
            // Near the ends of the alphabet, or anything.
            uint8 letter = uint8(text[i]);
            country[i] = letter % 3 == 0 ? text[i] : bytes1(uint8(letter % 3 == 1 ? 0x40 : 0x59) + letter % 4);
            good = good && country[i] >= "A" && country[i] <= "Z";
        }
        Proposal memory proposal = _proposal(1);
        proposal.country = string(country);
        if (good) _publish(proposal);
        else _refused(proposal, abi.encodeWithSelector(IMarketplace.NotACountry.selector, string(country)));
    }

    // ------------------------------------------------------------------ questions

    function test_what_is_no_question_is_refused() public {
        (bool ok, bytes memory answer) = address(channels).call(abi.encodeWithSignature("drain()"));
        assertTrue(!ok && answer.length == 0, "unknown");
        (ok,) = address(channels).call{value: 0}("");
        assertTrue(!ok, "empty");
        // Questions are answered without writing, and out of this contract's storage.
        _fund(5 * WHOLE);
        (ok, answer) = address(channels).staticcall(abi.encodeCall(channels.hubOf, (hub)));
        assertTrue(ok && abi.decode(answer, (uint256)) == 5 * WHOLE, "read");
    }
}
