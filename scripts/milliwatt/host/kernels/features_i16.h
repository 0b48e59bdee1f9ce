/* SPDX-License-Identifier: MIT */
/* Written by milliwatt.signal_features.host_header(): do not edit. */
/* clang-format off */
case 0: { /* mean */
    mw_sums_i16 sums[1];
    (void) mw_sum_i16(x + 0, sums + 0);
    value = mw_mean_q8(sums);
    break;
}
case 1: { /* rms */
    mw_sums_i16 sums[1];
    (void) mw_sum_i16(x + 0, sums + 0);
    value = (int32_t) mw_rms_q8(sums);
    break;
}
case 4: { /* std */
    mw_sums_i16 sums[1];
    (void) mw_sum_i16(x + 0, sums + 0);
    value = (int32_t) mw_std_q8(sums);
    break;
}
case 5: { /* skewness */
    mw_sums_i16 sums[1];
    (void) mw_sum_i16(x + 0, sums + 0);
    mw_shape_i16 shape[1];
    (void) mw_shape_of_i16(x + 0, sums + 0, shape + 0);
    value = mw_skewness_q8(shape);
    break;
}
case 6: { /* kurtosis */
    mw_sums_i16 sums[1];
    (void) mw_sum_i16(x + 0, sums + 0);
    mw_shape_i16 shape[1];
    (void) mw_shape_of_i16(x + 0, sums + 0, shape + 0);
    value = mw_kurtosis_q8(shape);
    break;
}
case 7: { /* min */
    mw_range_i16 range[1];
    (void) mw_range_of_i16(x + 0, range + 0);
    value = range->low;
    break;
}
case 8: { /* max */
    mw_range_i16 range[1];
    (void) mw_range_of_i16(x + 0, range + 0);
    value = range->high;
    break;
}
case 9: { /* peak_to_peak */
    mw_range_i16 range[1];
    (void) mw_range_of_i16(x + 0, range + 0);
    value = mw_peak_to_peak_i16(range);
    break;
}
case 10: { /* abs_mean */
    uint32_t absolute[1];
    (void) mw_absolute_sum_i16(x + 0, absolute + 0);
    value = (int32_t) mw_per_sample_q8(*absolute, (uint16_t) n);
    break;
}
case 11: { /* zero_crossings */
    uint16_t count = 0;
    (void) mw_crossings_i16(x, (int16_t) 0, &count);
    value = count;
    break;
}
case 12: { /* mean_crossings */
    mw_sums_i16 sums[1];
    (void) mw_sum_i16(x + 0, sums + 0);
    uint16_t count = 0;
    (void) mw_crossings_i16(x, mw_mean_level(sums), &count);
    value = count;
    break;
}
case 13: { /* crossings */
    uint16_t count = 0;
    (void) mw_crossings_i16(x, (int16_t) argument, &count);
    value = count;
    break;
}
case 14: { /* slope_changes */
    uint16_t count = 0;
    (void) mw_turns_i16(x, (uint16_t) argument, &count);
    value = count;
    break;
}
case 15: { /* waveform_length */
    mw_slopes_i16 slopes[1];
    (void) mw_slopes_of_i16(x + 0, slopes + 0);
    value = (int32_t) slopes->length;
    break;
}
case 16: { /* jerk */
    mw_slopes_i16 slopes[1];
    (void) mw_slopes_of_i16(x + 0, slopes + 0);
    value = (int32_t) mw_per_sample_q8(slopes->length, slopes->n);
    break;
}
case 17: { /* jerk_rms */
    mw_slopes_i16 slopes[1];
    (void) mw_slopes_of_i16(x + 0, slopes + 0);
    value = (int32_t) mw_root_mean_q8(slopes->squares, slopes->n);
    break;
}
case 18: { /* median */
    const uint16_t per_mille[] = {500};
    int32_t quantiles[1];
    (void) mw_quantiles_i16(x, scratch, per_mille, 1, quantiles);
    value = quantiles[0];
    break;
}
case 19: { /* percentile */
    const uint16_t per_mille[] = {(uint16_t) argument};
    int32_t quantiles[1];
    (void) mw_quantiles_i16(x, scratch, per_mille, 1, quantiles);
    value = quantiles[0];
    break;
}
case 20: { /* iqr */
    const uint16_t per_mille[] = {250, 750};
    int32_t quantiles[2];
    (void) mw_quantiles_i16(x, scratch, per_mille, 2, quantiles);
    value = quantiles[1] - quantiles[0];
    break;
}
case 21: { /* correlation */
    mw_sums_i16 sums[2];
    (void) mw_sum_i16(x + 0, sums + 0);
    (void) mw_sum_i16(x + 1, sums + 1);
    int64_t products;
    (void) mw_products_i16(x, x + 1, &products);
    value = mw_correlation_q15(sums, sums + 1, products);
    break;
}
case 23: { /* magnitude_area */
    uint32_t absolute[3];
    (void) mw_absolute_sum_i16(x + 0, absolute + 0);
    (void) mw_absolute_sum_i16(x + 1, absolute + 1);
    (void) mw_absolute_sum_i16(x + 2, absolute + 2);
    value = (int32_t) mw_magnitude_area_q8(absolute[0], absolute[1], absolute[2], (uint16_t) n);
    break;
}
case 24: { /* roll */
    mw_sums_i16 sums[3];
    (void) mw_sum_i16(x + 0, sums + 0);
    (void) mw_sum_i16(x + 1, sums + 1);
    (void) mw_sum_i16(x + 2, sums + 2);
    const mw_gravity_q15 means = {mw_mean_q8(sums + 0) * 256, mw_mean_q8(sums + 1) * 256, mw_mean_q8(sums + 2) * 256};
    value = mw_roll_q15(&means);
    break;
}
case 25: { /* pitch */
    mw_sums_i16 sums[3];
    (void) mw_sum_i16(x + 0, sums + 0);
    (void) mw_sum_i16(x + 1, sums + 1);
    (void) mw_sum_i16(x + 2, sums + 2);
    const mw_gravity_q15 means = {mw_mean_q8(sums + 0) * 256, mw_mean_q8(sums + 1) * 256, mw_mean_q8(sums + 2) * 256};
    value = mw_pitch_q15(&means);
    break;
}
