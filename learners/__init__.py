"""What a company does with data: data sets, holdings, poison, models, evaluation and leverage."""
