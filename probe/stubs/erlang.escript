%% One request in the default configuration of httpc.
main([Url]) ->
    {ok, _} = application:ensure_all_started(ssl),
    {ok, _} = application:ensure_all_started(inets),
    case httpc:request(get, {Url, []}, [{timeout, 10000}], []) of
        {ok, {_, _, Body}} -> io:format("~s~n", [Body]);
        {error, Why} -> io:format(standard_error, "~p~n", [Why]), halt(1)
    end.
