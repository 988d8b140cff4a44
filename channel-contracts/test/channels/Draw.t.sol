// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {AccountView, Draw, Parties, Redemption} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

contract DrawTest is World {
    Parties private parties;

    function setUp() public override {
        super.setUp();
        parties = _open(1, 100 * WHOLE);
    }

    function _fee(uint256 total) private pure returns (uint256) {
        return total * DEFAULT_FEE / 10_000;
    }

    // ------------------------------------------------------------- by the hub

    function test_the_hub_draws_what_was_promised() public {
        vm.expectEmit();
        emit IChannelMoney.Drawn(_id(parties), provider, 40 * WHOLE, _fee(40 * WHOLE), 40 * WHOLE);
        assertEq(_drawByHub(parties, provider, 40 * WHOLE), 40 * WHOLE, "drawn");
        assertEq(_balance(parties), 60 * WHOLE, "left");
        assertEq(_tab(parties, provider).drawn, 40 * WHOLE, "tab");
        assertEq(_pool(), _fee(40 * WHOLE), "fee");
        AccountView memory account = channels.accountOf(hub, provider);
        assertEq(account.credited, 40 * WHOLE - _fee(40 * WHOLE), "C");
        assertEq(account.paid, 0, "D");
        _assertConserved();
    }

    /// @notice Totals, not differences: however a promise is cut, the sum is the same, to the unit.
    function testFuzz_many_small_draws_equal_one(uint128 first_, uint128 second_) public {
        uint256 second = bound(second_, 2, 100 * WHOLE);
        uint256 first = bound(first_, 1, second - 1);
        _drawByHub(parties, provider, first);
        assertEq(_drawByHub(parties, provider, second), second - first, "only the difference");
        assertEq(channels.accountOf(hub, provider).credited, second - _fee(second), "C");
        assertEq(_pool(), _fee(second), "fee");
        assertEq(_balance(parties), 100 * WHOLE - second, "left");
        _assertConserved();
    }

    function testFuzz_the_hub_takes_what_is_there_and_no_more(uint128 amount) public {
        uint256 promised = bound(amount, 100 * WHOLE, type(uint128).max);
        assertEq(_drawByHub(parties, provider, promised), 100 * WHOLE, "all there is");
        assertEq(registry.debtOf(hub) + registry.debtOf(consumer), 0, "nobody's debt");
        Draw memory order = _hubDraw(parties, provider, type(uint128).max);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.NothingToDraw.selector, _id(parties), provider, type(uint128).max, 100 * WHOLE
            )
        );
        vm.prank(hub);
        channels.draw(order);
    }

    function test_a_promise_drawn_already_adds_nothing() public {
        _drawByHub(parties, provider, 40 * WHOLE);
        Draw memory order = _hubDraw(parties, provider, 40 * WHOLE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.NothingToDraw.selector, _id(parties), provider, 40 * WHOLE, 40 * WHOLE
            )
        );
        vm.prank(hub);
        channels.draw(order);
    }

    function test_nobody_else_draws_without_a_guarantee() public {
        Draw memory order = _hubDraw(parties, provider, WHOLE);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.NeitherHubNorGuarantee.selector, _id(parties), provider)
        );
        vm.prank(provider);
        channels.draw(order);
    }

    function testFuzz_a_changed_promise_is_refused(uint8 field) public {
        Draw memory order = _hubDraw(parties, provider, WHOLE);
        uint256 kind = bound(field, 0, 4);
        if (kind == 0) order.amount += 1;
        if (kind == 1) order.provider = relayer;
        if (kind == 2) order.parties.nonce += 1;
        if (kind == 3) order.promiseSignature = _sign(hubKey, keccak256("x"));
        if (kind == 4) order.promiseSignature = "";
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        vm.prank(hub);
        channels.draw(order);
    }

    function test_a_promise_beyond_its_field_is_refused_at_entry() public {
        Draw memory order = _hubDraw(parties, provider, uint256(type(uint128).max) + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.AmountTooLarge.selector, uint256(1) << 128, type(uint128).max
            )
        );
        vm.prank(hub);
        channels.draw(order);
    }

    function test_high_s_and_short_signatures_are_refused() public {
        Draw memory order = _hubDraw(parties, provider, WHOLE);
        bytes memory good = order.promiseSignature;
        (bytes32 r, bytes32 s, uint8 v) = (bytes32(0), bytes32(0), uint8(good[64]));
        assembly {
            r := mload(add(good, 32))
            s := mload(add(good, 64))
        }
        uint256 order_ = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory highS = abi.encodePacked(r, order_ - uint256(s), v == 27 ? uint8(28) : uint8(27));
        bytes memory compact = abi.encodePacked(r, uint256(s) | (uint256(v - 27) << 255));
        bytes memory recovery = abi.encodePacked(r, s, v - 27);
        for (uint256 i = 0; i < 3; ++i) {
            order.promiseSignature = i == 0 ? highS : i == 1 ? compact : recovery;
            vm.prank(hub);
            vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
            channels.draw(order);
        }
    }

    // -------------------------------------------------------- under a guarantee

    function test_anyone_draws_under_a_live_guarantee() public {
        vm.prank(relayer);
        assertEq(_drawGuaranteed(parties, provider, 30 * WHOLE), 30 * WHOLE, "drawn");
        assertEq(channels.accountOf(hub, provider).credited, 30 * WHOLE - _fee(30 * WHOLE), "C");
        _assertConserved();
    }

    /// @notice I9: a promise above the ceiling is good up to the ceiling.
    function testFuzz_a_guarantee_covers_up_to_its_ceiling(uint128 amount_, uint128 ceiling_) public {
        uint256 amount = bound(amount_, 1, 100 * WHOLE);
        uint256 ceiling = bound(ceiling_, 1, 100 * WHOLE);
        channels.draw(_guaranteed(parties, provider, amount, ceiling));
        assertEq(_tab(parties, provider).drawn, amount < ceiling ? amount : ceiling, "drawn");
        _assertConserved();
    }

    function test_a_guarantee_expires_by_the_chains_clock() public {
        uint64 expiresAt = uint64(START) + 1 hours;
        Draw memory order = _guaranteedUntil(parties, provider, WHOLE, WHOLE, expiresAt);
        vm.warp(expiresAt);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.GuaranteeExpired.selector, _id(parties), expiresAt, block.timestamp
            )
        );
        channels.draw(order);
        vm.warp(expiresAt - 1);
        channels.draw(order);
    }

    function test_a_guarantee_beyond_the_longest_is_refused() public {
        uint64 limit = uint64(START) + MAX_GUARANTEE;
        Draw memory tooLong = _guaranteedUntil(parties, provider, WHOLE, WHOLE, limit + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.GuaranteeTooLong.selector, _id(parties), limit + 1, uint256(limit)
            )
        );
        channels.draw(tooLong);
        channels.draw(_guaranteedUntil(parties, provider, WHOLE, WHOLE, limit));
    }

    function testFuzz_a_changed_guarantee_is_refused(uint8 field) public {
        Draw memory order = _guaranteed(parties, provider, 2 * WHOLE, WHOLE);
        uint256 kind = bound(field, 0, 2);
        if (kind == 0) order.ceiling += 1;
        if (kind == 1) order.expiresAt += 1;
        if (kind == 2) order.guaranteeSignature = order.promiseSignature;
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, hub));
        channels.draw(order);
    }

    function test_a_guarantee_needs_a_promise() public {
        Draw memory order = _guaranteed(parties, provider, WHOLE, WHOLE);
        order.promiseSignature = _signPromise(parties, provider, 2 * WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        channels.draw(order);
    }

    function test_a_guarantee_below_what_is_drawn_adds_nothing() public {
        _drawByHub(parties, provider, 10 * WHOLE);
        Draw memory order = _guaranteed(parties, provider, 20 * WHOLE, 10 * WHOLE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.NothingToDraw.selector, _id(parties), provider, 20 * WHOLE, 10 * WHOLE
            )
        );
        channels.draw(order);
    }

    /// @notice What the channel lacks comes from the pool, then the stake; nothing else.
    function testFuzz_the_hub_fills_what_the_channel_lacks(
        uint128 promised_,
        uint128 pool_,
        uint128 advanced_
    ) public {
        uint256 promised = bound(promised_, 1, 5_000 * WHOLE);
        uint256 advanced = bound(advanced_, 0, 300 * WHOLE);
        if (advanced > 0) {
            _fund(advanced);
            _redeem(hub, provider, advanced);
        }
        uint256 funded = bound(pool_, 0, 500 * WHOLE);
        if (funded > 0) _fund(funded);
        uint256 burned = registry.burned();
        uint256 filled = channels.draw(_guaranteed(parties, provider, promised, promised));
        uint256 burn = registry.burned() - burned;
        assertEq(_tab(parties, provider).drawn, filled, "drawn");
        assertEq(channels.accountOf(hub, provider).credited, filled - _fee(filled), "C");
        assertEq(_tab(parties, provider).missingByHub, promised - filled, "missing");
        assertEq(registry.debtOf(hub), promised - filled, "debt");
        uint256 net = promised - _fee(promised);
        (uint128 stake, uint32 faults,) = registry.securityOf(hub);
        assertEq(stake, 2_000 * WHOLE - 2 * burn, "as much burned as paid");
        if (promised <= 100 * WHOLE || net <= 98 * WHOLE + advanced + funded) {
            assertEq(faults + burn, 0, "the hub had it");
        }
        if (faults > 0) assertTrue(burn > 0, "slashed");
        if (filled < promised) assertTrue(stake < 2, "nothing left");
        _assertConserved();
    }

    function test_a_channel_that_never_opened_is_the_hubs_risk() public {
        _fund(10 * WHOLE);
        Parties memory other = _parties(77);
        assertEq(channels.draw(_guaranteed(other, provider, 10 * WHOLE, 10 * WHOLE)), 10 * WHOLE, "filled");
        assertEq(channels.redeem(_waiting(hub, provider)), 98 * WHOLE / 10, "paid");
        assertEq(_pool(), 2 * WHOLE / 10, "the fee went round");
        _assertConserved();
    }

    function test_repeating_a_draw_that_found_nothing_changes_nothing() public {
        vm.prank(hub);
        channels.announceFee(0);
        Draw memory order = _guaranteed(parties, provider, 5_000 * WHOLE, 5_000 * WHOLE);
        channels.draw(order);
        uint256 debt = registry.debtOf(hub);
        uint256 burned = registry.burned();
        vm.expectPartialRevert(IChannelMoney.NothingToDraw.selector);
        channels.draw(order);
        assertEq(registry.debtOf(hub), debt, "debt");
        assertEq(registry.burned(), burned, "burned");
        (, uint32 faults,) = registry.securityOf(hub);
        assertEq(faults, 1, "faults");
        // A smaller promise says less, and does not lower what the larger one lacks.
        Draw memory smaller = _guaranteed(parties, provider, 4_000 * WHOLE, 5_000 * WHOLE);
        vm.expectPartialRevert(IChannelMoney.NothingToDraw.selector);
        channels.draw(smaller);
        assertEq(registry.debtOf(hub), debt, "debt");
        // Stake that comes later pays what is missing, without a second penalty.
        vm.prank(relayer);
        registry.addStake(hub, 100 * WHOLE);
        assertEq(channels.draw(order), 100 * WHOLE, "from the new stake");
        assertEq(registry.burned(), burned, "burned");
        assertEq(registry.debtOf(hub), debt - 100 * WHOLE, "debt");
        _assertConserved();
    }

    // ------------------------------------------------------------------- many

    function test_many_pass_over_what_adds_nothing() public {
        Draw[] memory orders = new Draw[](3);
        orders[0] = _hubDraw(parties, provider, 10 * WHOLE);
        orders[1] = _hubDraw(parties, provider, 5 * WHOLE);
        orders[2] = _guaranteed(parties, relayer, 7 * WHOLE, 7 * WHOLE);
        vm.prank(hub);
        assertEq(channels.drawMany(orders), 17 * WHOLE, "drawn");
        vm.prank(hub);
        assertEq(channels.drawMany(orders), 0, "all passed over");
        knownProviders.push(relayer);
        _assertConserved();
    }

    function test_a_wrong_one_among_many_is_passed_over() public {
        Draw[] memory orders = new Draw[](2);
        orders[0] = _hubDraw(parties, relayer, 5 * WHOLE);
        orders[0].amount += 1;
        orders[1] = _hubDraw(parties, provider, 10 * WHOLE);
        vm.prank(hub);
        assertEq(channels.drawMany(orders), 10 * WHOLE, "the other one");
        assertEq(_tab(parties, relayer).drawn, 0, "not this one");
        _assertConserved();
    }

    function test_whoever_may_not_draw_at_all_draws_nothing_of_many() public {
        Draw[] memory orders = new Draw[](2);
        orders[0] = _guaranteed(parties, provider, 10 * WHOLE, 10 * WHOLE);
        orders[1] = _hubDraw(parties, relayer, 5 * WHOLE);
        vm.prank(provider);
        vm.expectPartialRevert(IChannelMoney.NeitherHubNorGuarantee.selector);
        channels.drawMany(orders);
        assertEq(_balance(parties), 100 * WHOLE, "untouched");
    }

    function test_draws_and_redeems_in_one() public {
        Draw[] memory orders = new Draw[](1);
        orders[0] = _guaranteed(parties, provider, 50 * WHOLE, 50 * WHOLE);
        uint256 before = token.balanceOf(provider);
        vm.prank(provider);
        (uint256 drawn, uint256 paid) = channels.drawAndRedeem(orders, _waiting(hub, provider), address(0));
        assertEq(drawn, 50 * WHOLE, "drawn");
        assertEq(paid, 49 * WHOLE, "paid");
        assertEq(token.balanceOf(provider) - before, 49 * WHOLE, "received");
        _fund(WHOLE);
        Redemption memory more = _promised(hub, provider, 50 * WHOLE);
        (drawn, paid) = channels.drawAndRedeem(orders, more, address(0));
        assertEq(drawn, 0, "passed over");
        assertEq(paid, WHOLE, "advanced");
        (drawn, paid) = channels.drawAndRedeem(orders, more, address(0));
        assertEq(drawn + paid, 0, "passed over");
        _assertConserved();
    }
}
